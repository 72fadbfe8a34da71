"""Lend an item to a patron."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation
from gateway.fields.scalars import DateTime, upstream_text
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput, override_blocks
from gateway.schema.refusal import Refusal
from gateway.upstream.response import Record


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


async def check_out(
    info: Info,
    input: Annotated[CheckOutInput, strawberry.argument(description="Who, what and where.")],
) -> CheckOutResult | None:
    loan = await begin_mutation(info).circulation_bff.check_out(_body(input))
    return CheckedOut(loan=loan)  # type: ignore[arg-type]  # a record


def _body(input: CheckOutInput) -> Record:
    body: Record = {
        "itemBarcode": arguments.text(input.item_barcode, "itemBarcode"),
        "userBarcode": arguments.text(input.user_barcode, "userBarcode"),
        "servicePointId": arguments.uuid(input.service_point_id, "servicePointId"),
    }
    if input.proxy_user_barcode is not None:
        body["proxyUserBarcode"] = arguments.text(input.proxy_user_barcode, "proxyUserBarcode")
    if input.loan_date is not None:
        body["loanDate"] = upstream_text(input.loan_date)
    if input.override_blocks is not None:
        body["overrideBlocks"] = override_blocks(input.override_blocks)
    return body


@strawberry.type
class CheckOut:
    check_out: CheckOutResult | None = strawberry.mutation(
        resolver=check_out,
        description="Lend an item. Sent once: after `OUTCOME_UNKNOWN` look for the item's open loan first.",
    )
