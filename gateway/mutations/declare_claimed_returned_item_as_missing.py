"""Declare an item missing that the patron claims to have returned."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation
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
    "reason for every failure, so after a refusal read the item's status."
)
async def declare_claimed_returned_item_as_missing(
    info: Info, input: DeclareClaimedReturnedItemAsMissingInput
) -> DeclareClaimedReturnedItemAsMissingResult | None:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    arguments.check_not_blank(input.comment, "comment")
    body = body_of(input, "loanId")
    await begin_mutation(info).circulation_bff.declare_claimed_returned_item_as_missing(loan_id, body)
    return ItemDeclaredMissing(record={"loanId": loan_id})
