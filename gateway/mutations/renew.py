"""Renew a loan."""

from __future__ import annotations

from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.loan import Loan
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `renew`: both barcodes, or both ids.")
class RenewInput:
    item_barcode: str | None = strawberry.field(default=None, description="The barcode of the item.")
    user_barcode: str | None = strawberry.field(
        default=None, description="The number on the borrower's library card."
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


@mutation(
    "Renew a loan. Sent once: a second renewal counts, so after `OUTCOME_UNKNOWN` read the "
    "loan's due date first."
)
async def renew(info: Info, input: RenewInput) -> RenewResult | None:
    circulation, body = begin_mutation(info).circulation, _body(input)
    sent = circulation.renew_by_barcode if "itemBarcode" in body else circulation.renew_by_id
    return Renewed(loan=cast(Loan, await sent(body)))


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
