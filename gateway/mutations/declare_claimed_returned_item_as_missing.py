"""Declare an item missing that the patron claims to have returned."""

from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import changes_by_loan_id
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `declareClaimedReturnedItemAsMissing`.")
class DeclareClaimedReturnedItemAsMissingInput:
    loan_id: strawberry.ID = strawberry.field(description="The loan of the item that is claimed returned.")
    comment: str = strawberry.field(description="A comment by staff.")


@strawberry.type(description="The item was declared missing, and the loan was closed.")
class ItemDeclaredMissing:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    loan: Loan | None = link(
        "The loan after the change. Its id costs no upstream call.", loader="loan", key="loanId"
    )


DeclareClaimedReturnedItemAsMissingResult = Annotated[
    ItemDeclaredMissing | Refusal,
    strawberry.union(
        "DeclareClaimedReturnedItemAsMissingResult",
        description="The result of `declareClaimedReturnedItemAsMissing`.",
    ),
]


@mutation(
    "Declare an item missing that is claimed returned. Sent once. Upstream gives the same "
    "reason for every failure, so after a refusal read the item's status.",
    changes=changes_by_loan_id,
)
async def declare_claimed_returned_item_as_missing(
    info: Info, input: DeclareClaimedReturnedItemAsMissingInput
) -> DeclareClaimedReturnedItemAsMissingResult:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    arguments.check_not_blank(input.comment, "comment")
    body = body_of(input, "loanId")
    try:
        await begin_mutation(info).circulation_bff.declare_claimed_returned_item_as_missing(loan_id, body)
    except errors.OutcomeUnknown as unknown:
        expected = {"action": "markedMissing", "actionComment": body["comment"], "status.name": "Closed"}
        await look_up(info, unknown, lambda look: look.changed_loan(loan_id, expected))
    return ItemDeclaredMissing(record={"loanId": loan_id})
