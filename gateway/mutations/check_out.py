"""Lend an item to a patron."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.scalars import DateTime
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal


@strawberry.input(description="Which item is lent to whom, and where.")
class CheckOutInput:
    item_barcode: str = strawberry.field(description="The barcode of the item.")
    user_barcode: str = strawberry.field(description="The number on the borrower's library card.")
    service_point_id: strawberry.ID = strawberry.field(
        description="Where it is lent: the desk's service point."
    )
    proxy_user_barcode: str | None = strawberry.field(
        default=None,
        description="The card of whoever borrows in the borrower's name; not the borrower's own.",
    )
    loan_date: DateTime | None = strawberry.field(
        default=None, description="When it was lent; now, unless given."
    )
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to lift that an earlier try was refused for."
    )


@strawberry.type(description="The item was lent.")
class CheckedOut:
    loan: Loan = strawberry.field(description="The new loan.")


CheckOutResult = Annotated[
    CheckedOut | Refusal, strawberry.union("CheckOutResult", description="What came of a check-out.")
]


@mutation("Lend an item. Sent once: after `OUTCOME_UNKNOWN` look for the item's open loan first.")
async def check_out(
    info: Info,
    input: Annotated[CheckOutInput, strawberry.argument(description="Who, what and where.")],
) -> CheckOutResult | None:
    arguments.text(input.item_barcode, "itemBarcode")
    arguments.text(input.user_barcode, "userBarcode")
    if input.proxy_user_barcode is not None:
        arguments.text(input.proxy_user_barcode, "proxyUserBarcode")
    loan = await begin_mutation(info).circulation_bff.check_out(body_of(input))
    return CheckedOut(loan=loan)  # type: ignore[arg-type]  # a record
