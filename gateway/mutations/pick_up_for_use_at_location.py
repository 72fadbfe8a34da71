"""Hand an item for use at the location from the hold shelf to its patron."""

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


@strawberry.input(description="The input of `pickUpForUseAtLocation`.")
class PickUpForUseAtLocationInput:
    item_barcode: str = strawberry.field(description="The barcode of the item, such as `2000000001`.")
    user_barcode: str = strawberry.field(
        description="The number on the borrower's library card, such as `1000000001`."
    )


@strawberry.type(description="The patron uses the item again.")
class PickedUpForUseAtLocation(UseAtLocationChanged):
    pass


PickUpForUseAtLocationResult = Annotated[
    PickedUpForUseAtLocation | Refusal,
    strawberry.union("PickUpForUseAtLocationResult", description="The result of `pickUpForUseAtLocation`."),
]


def _changes(written: Written[PickUpForUseAtLocationInput, PickedUpForUseAtLocation]) -> Changed:
    """Return the change of the loan. Nothing is known of an unknown outcome: the input names barcodes."""
    return () if written.result is None else changes_of_loan(written.result.record)


@mutation(
    "Hand an item that is lent for use at the location from the hold shelf to its patron. Sent once, and "
    "looked up if its response is lost. Refused for other loans, and if the library does not use this kind "
    "of loan.",
    changes=_changes,
)
async def pick_up_for_use_at_location(
    info: Info, input: PickUpForUseAtLocationInput
) -> PickUpForUseAtLocationResult:
    arguments.check_text(input.item_barcode, "itemBarcode")
    arguments.check_text(input.user_barcode, "userBarcode")
    body = body_of(input)
    try:
        loan = await begin_mutation(info).circulation.pick_up_for_use_at_location(body)
    except errors.OutcomeUnknown as unknown:
        loan = await look_up(info, unknown, partial(_find_loan, body))
    return PickedUpForUseAtLocation(record=loan)


async def _find_loan(body: Record, look_up: LookUp) -> Record | None:
    expected = {
        "borrower.barcode": body["userBarcode"],
        "forUseAtLocation.status": "In use",
        "action": "pickedUpForUseAtLocation",
    }
    return await look_up.changed_open_loan(body["itemBarcode"], expected)
