"""Renew a loan."""

from functools import partial
from typing import Annotated, Any, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import (
    Changed,
    Written,
    changes_of_accounts,
    changes_of_item,
    changes_of_loan,
    values_of,
)
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record

_ACTIONS = frozenset({"renewed", "renewedThroughOverride"})  # mod-circulation, LoanAction


@strawberry.input(description="The input of `renew`: both barcodes, or both ids.")
class RenewInput:
    item_barcode: str | None = strawberry.field(
        default=None, description="The barcode of the item, such as `2000000001`."
    )
    user_barcode: str | None = strawberry.field(
        default=None, description="The number on the borrower's library card, such as `1000000001`."
    )
    item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the item, instead of its barcode."
    )
    user_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the borrower, instead of the barcode."
    )
    service_point_id: strawberry.ID | None = strawberry.field(
        default=None, description="The service point of the renewal; with barcodes only."
    )
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None,
        description="Blocks to override after a refusal: `patronBlock`, `renewalBlock` and "
        "`renewalDueDateRequiredBlock`, with a comment.",
    )


@strawberry.type(description="The loan was renewed.")
class Renewed:
    loan: Loan = strawberry.field(description="The loan with its new due date.")


RenewResult = Annotated[
    Renewed | Refusal, strawberry.union("RenewResult", description="The result of `renew`.")
]


def changes_of_renewal(written: Written[Any, Renewed]) -> Changed:
    """Return the changes of the loan, of its fines and of its item: a lost one is lent again.

    If the outcome is unknown, those of the loan that was read before, or of any with the ids in the input.
    With barcodes nothing is known then.
    """
    loan = values_of(None if written.result is None else written.result.loan)
    if not loan:
        loan = written.before or {
            "userId": getattr(written.input, "user_id", None),
            "itemId": getattr(written.input, "item_id", None),
        }
    return (
        *changes_of_loan(loan),
        *changes_of_item(loan.get("itemId"), values_of(loan.get("item")).get("instanceId")),
        *changes_of_accounts(loan.get("userId")),
    )


@mutation(
    "Renew a loan. Sent once, because a second renewal counts, and looked up if its response is lost.",
    changes=changes_of_renewal,
    calls=[("circulation.renew_by_barcode", "circulation.renew_by_id")],
)
async def renew(info: Info, input: RenewInput) -> RenewResult:
    return await send_renewal(info, _body(input))


async def send_renewal(info: Info, body: Record) -> Renewed:
    """Send one renewal, by barcodes or by ids, and look it up if its outcome is unknown."""
    circulation = begin_mutation(info).circulation
    sent = circulation.renew_by_barcode if "itemBarcode" in body else circulation.renew_by_id
    try:
        loan = await sent(body)
    except errors.OutcomeUnknown as unknown:
        loan = await look_up(info, unknown, partial(_find_loan, body))
    return Renewed(loan=cast(Loan, loan))


async def _find_loan(body: Record, look_up: LookUp) -> Record | None:
    """Return the open loan of the item to the borrower, if its last change is a renewal after the sending."""
    if "itemId" in body:
        loan = await look_up.open_loan(body["itemId"])
        expected = {"userId": body["userId"], "action": _ACTIONS}
        return look_up.proven("open loan of the item", loan, expected)
    expected = {"borrower.barcode": body["userBarcode"], "action": _ACTIONS}
    return await look_up.changed_open_loan(body["itemBarcode"], expected)


def _body(input: RenewInput) -> Record:
    keys = {
        "itemBarcode": input.item_barcode,
        "userBarcode": input.user_barcode,
        "itemId": input.item_id,
        "userId": input.user_id,
    }
    names = [name for name, value in keys.items() if value is not None]
    if names not in (["itemBarcode", "userBarcode"], ["itemId", "userId"]):
        raise errors.BadUserInput(
            "Either `itemBarcode` and `userBarcode` or `itemId` and `userId` must be given."
        )
    if "itemId" in names and input.service_point_id is not None:
        raise errors.BadUserInput("`servicePointId` requires `itemBarcode` and `userBarcode`.")
    for name in ("itemBarcode", "userBarcode"):
        if name in names:
            arguments.check_text(keys[name] or "", name)
    return body_of(input)
