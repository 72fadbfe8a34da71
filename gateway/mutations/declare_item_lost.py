"""Declare the item of a loan lost."""

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

# Without fees to pay, circulation closes the loan at once (mod-circulation, CloseLoanWithLostItemService).
_ACTIONS = frozenset({"declaredLost", "closedLoan"})


@strawberry.input(description="The input of `declareItemLost`.")
class DeclareItemLostInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan of the item.")
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    declared_lost_date_time: DateTime | None = strawberry.field(
        default=None,
        description="The date of the declaration, such as `2026-11-21T10:00:00Z`. Defaults to now.",
    )
    comment: str | None = strawberry.field(default=None, description="A comment by staff.")


@strawberry.type(description="The item was declared lost; fees may follow.")
class ItemDeclaredLost:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    loan: Loan | None = link(
        "The loan after the change. Its id costs no upstream call.", loader="loan", key="loanId"
    )


DeclareItemLostResult = Annotated[
    ItemDeclaredLost | Refusal,
    strawberry.union("DeclareItemLostResult", description="The result of `declareItemLost`."),
]


@mutation(
    "Declare the item of a loan lost. Sent once, and looked up if its response is lost.",
    changes=changes_by_loan_id,
)
async def declare_item_lost(info: Info, input: DeclareItemLostInput) -> DeclareItemLostResult:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    body = {"declaredLostDateTime": now(info), **body_of(input, "loanId")}
    try:
        await begin_mutation(info).circulation_bff.declare_item_lost(loan_id, body)
    except errors.OutcomeUnknown as unknown:
        expected = {"action": _ACTIONS, "declaredLostDate": body["declaredLostDateTime"]}
        if body.get("comment", "").strip():  # a blank one is stored as an empty one, and none if closed
            expected["actionComment"] = frozenset({body["comment"], None})
        await look_up(info, unknown, lambda look: look.changed_loan(loan_id, expected))
    return ItemDeclaredLost(record={"loanId": loan_id})
