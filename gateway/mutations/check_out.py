"""Check out an item to a patron."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.scalars import DateTime
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal


@strawberry.input(description="The input of `checkOut`.")
class CheckOutInput:
    item_barcode: str = strawberry.field(description="The barcode of the item.")
    user_barcode: str = strawberry.field(description="The number on the borrower's library card.")
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    proxy_user_barcode: str | None = strawberry.field(
        default=None,
        description="The library card number of the proxy who borrows on the borrower's behalf; must differ "
        "from the borrower's.",
    )
    loan_date: DateTime | None = strawberry.field(
        default=None, description="The date of the loan. Defaults to now."
    )
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to override after a refusal."
    )


@strawberry.type(description="The item was checked out.")
class CheckedOut:
    loan: Loan = strawberry.field(description="The new loan.")


CheckOutResult = Annotated[
    CheckedOut | Refusal, strawberry.union("CheckOutResult", description="The result of `checkOut`.")
]


@mutation("Check out an item. Sent once: after `OUTCOME_UNKNOWN` read the item's open loan first.")
async def check_out(info: Info, input: CheckOutInput) -> CheckOutResult | None:
    arguments.check_text(input.item_barcode, "itemBarcode")
    arguments.check_text(input.user_barcode, "userBarcode")
    if input.proxy_user_barcode is not None:
        arguments.check_text(input.proxy_user_barcode, "proxyUserBarcode")
    loan = await begin_mutation(info).circulation_bff.check_out(body_of(input))
    return CheckedOut(loan=cast(Loan, loan))
