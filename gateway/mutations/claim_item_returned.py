"""Record that the patron claims to have returned an item."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `claimItemReturned`.")
class ClaimItemReturnedInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan of the item.")
    item_claimed_returned_date_time: DateTime | None = strawberry.field(
        default=None, description="The date of the patron's claim. Defaults to now."
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
    "Record that the patron claims to have returned an item. Sent once: after "
    "`OUTCOME_UNKNOWN` read the loan first."
)
async def claim_item_returned(info: Info, input: ClaimItemReturnedInput) -> ClaimItemReturnedResult | None:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    body = {"itemClaimedReturnedDateTime": now(), **body_of(input, "loanId")}
    await begin_mutation(info).circulation_bff.claim_item_returned(loan_id, body)
    return ItemClaimedReturned(record={"loanId": loan_id})
