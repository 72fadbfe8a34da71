"""Check out an item to a patron."""

from functools import partial
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import NO_PROOF, LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.fields.scalars import DateTime
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_item,
    changes_of_loan,
    changes_of_request,
    values_of,
)
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.upstream.caller import keys_in
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `checkOut`.")
class CheckOutInput:
    item_barcode: str = strawberry.field(description="The barcode of the item, such as `2000000001`.")
    user_barcode: str = strawberry.field(
        description="The number on the borrower's library card, such as `1000000001`."
    )
    service_point_id: strawberry.ID = strawberry.field(description="The service point of the desk.")
    proxy_user_barcode: str | None = strawberry.field(
        default=None,
        description="The library card number, such as `1000000001`, of the proxy who borrows on the "
        "borrower's behalf; must differ "
        "from the borrower's.",
    )
    loan_date: DateTime | None = strawberry.field(
        default=None, description="The date of the loan, such as `2026-11-21T10:00:00Z`. Defaults to now."
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


def _changes(written: Written[CheckOutInput, CheckedOut]) -> Changed:
    """Return the changes of loan and item, and of a request that the check-out may have fulfilled.

    The input names barcodes alone, so that nothing is known of an unknown outcome.
    """
    loan = values_of(None if written.result is None else written.result.loan)
    keys = {
        "requesterId": loan.get("userId"),
        "itemId": loan.get("itemId"),
        "instanceId": values_of(loan.get("item")).get("instanceId"),
    }
    return (
        *changes_of_loan(loan, kind="created"),
        *changes_of_item(keys["itemId"], keys["instanceId"]),
        *changes_of_request(keys),
    )


@mutation(
    "Check out an item. Sent once, and looked up if its response is lost.",
    changes=_changes,
)
async def check_out(info: Info, input: CheckOutInput) -> CheckOutResult:
    arguments.check_text(input.item_barcode, "itemBarcode")
    arguments.check_text(input.user_barcode, "userBarcode")
    if input.proxy_user_barcode is not None:
        arguments.check_text(input.proxy_user_barcode, "proxyUserBarcode")
    body = body_of(input)
    try:
        loan = await begin_mutation(info).circulation_bff.check_out(body)
    except errors.OutcomeUnknown as unknown:
        loan = await look_up(info, unknown, partial(_find_loan, body))
    return CheckedOut(loan=cast(Loan, loan))


async def _find_loan(body: Record, look_up: LookUp) -> Record | None:
    """Return the open loan of the item to the borrower, created after the check-out was sent."""
    item = await look_up.item(body["itemBarcode"])
    if item is None:
        return None
    expected = {
        "item.barcode": body["itemBarcode"],
        "borrower.barcode": body["userBarcode"],
        "checkoutServicePointId": body["servicePointId"],
        **keys_in(body, "loanDate"),
    }
    if "proxyUserBarcode" in body:
        expected["proxyUserId"] = await look_up.user_id(body["proxyUserBarcode"]) or NO_PROOF
    loan = await look_up.open_loan(item["id"])
    return look_up.proven("open loan of the item", loan, expected, is_new=True)
