"""Staff slips: what is printed and put into an item. Texts for people, almost no ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.page import FullList, whole
from gateway.fields.record import field
from gateway.fields.root import query
from gateway.fields.scalars import DateTime

if TYPE_CHECKING:
    from gateway.schema.request import Request


@strawberry.type(description="The item on a slip.")
class StaffSlipItem:
    title: str | None = field("The title.")
    primary_contributor: str | None = field("Who made the work, first of all.")
    all_contributors: str | None = field("Who made the work, joined with `; `.")
    barcode: str | None = field("The barcode.")
    status: str | None = field("The state, in FOLIO's words.")
    enumeration: str | None = field("Which part of a series.")
    volume: str | None = field("Which volume.")
    chronology: str | None = field("Which time it covers.")
    year_caption: str | None = field("Years, joined with `; `.")
    material_type: str | None = field("What kind of thing it is: a name, or an id for items of a consortium.")
    loan_type: str | None = field("How it may be lent: a name, or an id for items of a consortium.")
    copy: str | None = field("Which copy it is.")
    number_of_pieces: str | None = field("How many pieces.")
    display_summary: str | None = field("One line for lists.")
    description_of_pieces: str | None = field("What the pieces are.")
    effective_location_specific: str | None = field("The name of the location.")
    effective_location_library: str | None = field("The name of the library.")
    effective_location_campus: str | None = field("The name of the campus.")
    effective_location_institution: str | None = field("The name of the institution.")
    effective_location_discovery_display_name: str | None = field("The location's name for patrons.")
    effective_location_primary_service_point_name: str | None = field("The location's main service point.")
    call_number: str | None = field("The call number.")
    call_number_prefix: str | None = field("What stands before the call number.")
    call_number_suffix: str | None = field("What stands after the call number.")
    last_checked_in_date_time: DateTime | None = field("When it was checked in last.")
    to_service_point: str | None = field("Where it travels to, by name.")
    from_service_point: str | None = field("Where it comes from, by name.")


@strawberry.type(description="The request on a slip.")
class StaffSlipRequest:
    request_id: strawberry.ID | None = field("The id of the request, a UUID.", key="requestID")
    request: Annotated[Request, strawberry.lazy("gateway.schema.request")] | None = link(
        "The request itself. Its id costs no upstream call.", loader="request", key="requestID"
    )
    service_point_pickup: str | None = field("Where it is to be picked up, by name.")
    request_date: DateTime | None = field("When the request was made; null from older versions of FOLIO.")
    request_expiration_date: DateTime | None = field("When the patron no longer wants it.")
    hold_shelf_expiration_date: DateTime | None = field("Until when it stands on the hold shelf.")
    additional_info: str | None = field("What was written about the cancellation.")
    reason_for_cancellation: str | None = field("Why it was cancelled.")
    delivery_address_type: str | None = field("Which address to deliver to, by name.")
    patron_comments: str | None = field("What the patron wrote.")


@strawberry.type(description="The requester on a slip.")
class StaffSlipRequester:
    first_name: str | None = field("Given name.")
    preferred_first_name: str | None = field("The name to call the person by.")
    last_name: str | None = field("Family name.")
    middle_name: str | None = field("Middle name.")
    barcode: str | None = field("The number on the library card.")
    patron_group: str | None = field("The patron group, by name.")
    departments: str | None = field("Departments, joined with `; `.")
    primary_delivery_address_type: str | None = field("The kind of the main address, by name.")
    primary_address_line1: str | None = field("First line of the main address.")
    primary_address_line2: str | None = field("Second line of the main address.")
    primary_city: str | None = field("City of the main address.")
    primary_state_prov_region: str | None = field("State or province of the main address.")
    primary_zip_postal_code: str | None = field("Postal code of the main address.")
    primary_country: str | None = field("Country of the main address, by name.")
    address_type: str | None = field("The kind of the address to deliver to, by name.")
    address_line1: str | None = field("First line of the address to deliver to.")
    address_line2: str | None = field("Second line of the address to deliver to.")
    city: str | None = field("City of the address to deliver to.")
    region: str | None = field("State or province of the address to deliver to.")
    postal_code: str | None = field("Postal code of the address to deliver to.")
    country_id: str | None = field("Country code of the address to deliver to.")


@strawberry.type(description="What is printed on a slip and put into an item.")
class StaffSlip:
    current_date_time: DateTime | None = field("When the slip was made.")
    item: StaffSlipItem | None = field("The item.")
    request: StaffSlipRequest | None = field("The request that the item is for.")
    requester: StaffSlipRequester | None = field("Who made the request.")


@strawberry.type(description="Slips of a service point, all of them: upstream never pages them.")
class StaffSlipList(FullList[StaffSlip]):
    pass


ServicePointId = Annotated[strawberry.ID, strawberry.argument(description="The service point, a UUID.")]


@query("What is to be fetched from the shelves near a service point. Upstream stops at 2500.")
async def pick_slips(info: Info, service_point_id: ServicePointId) -> StaffSlipList | None:
    key = arguments.uuid(service_point_id, "servicePointId")
    return await whole(info, "pick_slips", key)  # type: ignore[return-value]  # what lists read


@query("What is to be looked for on the shelves near a service point, for holds.")
async def search_slips(info: Info, service_point_id: ServicePointId) -> StaffSlipList | None:
    key = arguments.uuid(service_point_id, "servicePointId")
    return await whole(info, "search_slips", key)  # type: ignore[return-value]  # what lists read


QUERIES = [
    pick_slips,
    search_slips,
]
