"""Put an item for use at the location on the hold shelf."""

from functools import partial
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import Changed, Written, changes_of_loan
from gateway.schema.loan_at_location import UseAtLocationChanged
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.input(description="The input of `holdForUseAtLocation`.")
class HoldForUseAtLocationInput:
    item_barcode: str = strawberry.field(description="The barcode of the item, such as `2000000001`.")


@strawberry.type(description="The item is on the hold shelf, and stays on loan to its patron.")
class HeldForUseAtLocation(UseAtLocationChanged):
    pass


HoldForUseAtLocationResult = Annotated[
    HeldForUseAtLocation | Refusal,
    strawberry.union("HoldForUseAtLocationResult", description="The result of `holdForUseAtLocation`."),
]


def _changes(written: Written[HoldForUseAtLocationInput, HeldForUseAtLocation]) -> Changed:
    """Return the change of the loan. Nothing is known of an unknown outcome: the input names barcodes."""
    return () if written.result is None else changes_of_loan(written.result.record)


@mutation(
    "Put an item that is lent for use at the location on the hold shelf, until its patron comes back. Sent "
    "once, and looked up if its response is lost. Refused for other loans, and if the library does not use "
    "this kind of loan.",
    changes=_changes,
)
async def hold_for_use_at_location(
    info: Info, input: HoldForUseAtLocationInput
) -> HoldForUseAtLocationResult:
    arguments.check_text(input.item_barcode, "itemBarcode")
    body = body_of(input)
    try:
        loan = await begin_mutation(info).circulation.hold_for_use_at_location(body)
    except errors.OutcomeUnknown as unknown:
        loan = await look_up(info, unknown, partial(_find_loan, body))
    return HeldForUseAtLocation(record=loan)


async def _find_loan(body: Record, look_up: LookUp) -> Record | None:
    expected = {"forUseAtLocation.status": "Held", "action": "heldForUseAtLocation"}
    return await look_up.changed_open_loan(body["itemBarcode"], expected)
