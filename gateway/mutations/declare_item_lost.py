"""Declare the item of a loan lost."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation, now
from gateway.fields.scalars import DateTime
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal


@strawberry.input(description="Which loan's item is lost.")
class DeclareItemLostInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan of the item.")
    service_point_id: strawberry.ID = strawberry.field(
        description="Where it is declared: the desk's service point."
    )
    declared_lost_date_time: DateTime | None = strawberry.field(
        default=None, description="When it was declared; now, unless given."
    )
    comment: str | None = strawberry.field(default=None, description="What the staff says about it.")


@strawberry.type(description="The item counts as lost; fees may follow.")
class ItemDeclaredLost:
    record: strawberry.Private[Any]  # Any: the key that the link reads; upstream answers nothing
    loan: Loan | None = link(
        "The loan as it is now. Its id costs no upstream call.", loader="loan", key="loanId"
    )


DeclareItemLostResult = Annotated[
    ItemDeclaredLost | Refusal,
    strawberry.union("DeclareItemLostResult", description="What came of declaring an item lost."),
]


@mutation("Declare the item of a loan lost. Sent once: after `OUTCOME_UNKNOWN` look at the loan first.")
async def declare_item_lost(
    info: Info, input: Annotated[DeclareItemLostInput, strawberry.argument(description="Which loan.")]
) -> DeclareItemLostResult | None:
    loan_id = arguments.uuid(input.loan_id, "loanId")
    body = {"declaredLostDateTime": now(), **body_of(input, "loanId")}
    await begin_mutation(info).circulation_bff.declare_item_lost(loan_id, body)
    return ItemDeclaredLost(record={"loanId": loan_id}, loan=None)  # the link reads the record
