"""Declare the item of a loan lost."""

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


@strawberry.input(description="The input of `declareItemLost`.")
class DeclareItemLostInput:
    loan_id: strawberry.ID = strawberry.field(description="The open loan of the item.")
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    declared_lost_date_time: DateTime | None = strawberry.field(
        default=None, description="The date of the declaration. Defaults to now."
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


@mutation("Declare the item of a loan lost. Sent once: after `OUTCOME_UNKNOWN` read the loan first.")
async def declare_item_lost(info: Info, input: DeclareItemLostInput) -> DeclareItemLostResult | None:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    body = {"declaredLostDateTime": now(), **body_of(input, "loanId")}
    await begin_mutation(info).circulation_bff.declare_item_lost(loan_id, body)
    return ItemDeclaredLost(record={"loanId": loan_id})
