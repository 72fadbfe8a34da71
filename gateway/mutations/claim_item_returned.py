"""Record that the patron claims to have returned an item."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import changes_by_loan_id
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `claimItemReturned`.")
class ClaimItemReturnedInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan of the item.")
    item_claimed_returned_date_time: DateTime | None = strawberry.field(
        default=None,
        description="The date of the patron's claim, such as `2026-11-21T10:00:00Z`. Defaults to now.",
    )
    comment: str | None = strawberry.field(default=None, description="A comment by staff.")


@strawberry.type(description="The item is claimed returned, and the loan stays open.")
class ItemClaimedReturned:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    loan: Loan | None = link(
        "The loan after the change. Its id costs no upstream call.", loader="loan", key="loanId"
    )


ClaimItemReturnedResult = Annotated[
    ItemClaimedReturned | Refusal,
    strawberry.union("ClaimItemReturnedResult", description="The result of `claimItemReturned`."),
]


@mutation(
    "Record that the patron claims to have returned an item. Sent once, and looked up if its response is "
    "lost.",
    changes=changes_by_loan_id,
)
async def claim_item_returned(info: Info, input: ClaimItemReturnedInput) -> ClaimItemReturnedResult:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    body = {"itemClaimedReturnedDateTime": now(info), **body_of(input, "loanId")}
    try:
        await begin_mutation(info).circulation_bff.claim_item_returned(loan_id, body)
    except errors.OutcomeUnknown as unknown:
        expected = {"action": "claimedReturned", "claimedReturnedDate": body["itemClaimedReturnedDateTime"]}
        if body.get("comment", "").strip():  # an empty comment keeps the previous one
            expected["actionComment"] = body["comment"]
        await look_up(info, unknown, lambda look: look.changed_loan(loan_id, expected))
    return ItemClaimedReturned(record={"loanId": loan_id})
