"""Staff slips, printed and put into items, and their root fields. Mostly text, few ids."""

from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.base import Declared, Json
from gateway.fields.link import link
from gateway.fields.record import derived, field
from gateway.fields.root import query
from gateway.fields.scalars import DateTime
from gateway.schema.page import FullList, whole

if TYPE_CHECKING:
    from gateway.schema.request import Request


def _joined(member: str, description: str) -> Declared:
    """Declare texts that FOLIO joins with semicolons; a list of them is joined here in the same way."""

    def read(item: Json) -> Json:
        value = item.get(member)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return "; ".join(value)
        return value

    return derived(
        f"{description}, joined with `; `. Null in older versions of FOLIO.", read, members=(member,)
    )


@strawberry.type(description="The item on a slip.")
class StaffSlipItem:
    title: str | None = field("The title.")
    primary_contributor: str | None = field("The primary contributor.")
    all_contributors: str | None = field("The contributors of the work, joined with `; `.")
    barcode: str | None = field("The barcode.")
    status: str | None = field("The state, as FOLIO's text.")
    enumeration: str | None = field("The part of a series.")
    volume: str | None = field("The volume.")
    chronology: str | None = field("The time covered.")
    year_caption: str | None = field("Years, joined with `; `.")
    material_type: str | None = field("The material type: a name, or an id for items of a consortium.")
    loan_type: str | None = field("The loan type: a name, or an id for items of a consortium.")
    copy: str | None = field("The copy number.")
    number_of_pieces: str | None = field("The number of pieces.")
    display_summary: str | None = field("A single line for lists.")
    description_of_pieces: str | None = field("A description of the pieces.")
    effective_location_specific: str | None = field("The name of the location.")
    effective_location_library: str | None = field("The name of the library.")
    effective_location_campus: str | None = field("The name of the campus.")
    effective_location_institution: str | None = field("The name of the institution.")
    effective_location_discovery_display_name: str | None = field(
        "The name of the location shown to patrons."
    )
    effective_location_primary_service_point_name: str | None = field(
        "The name of the location's primary service point."
    )
    call_number: str | None = field("The call number.")
    call_number_prefix: str | None = field("The prefix of the call number.")
    call_number_suffix: str | None = field("The suffix of the call number.")
    shelving_order: str | None = field(
        "The shelving order, as sortable text. Null in older versions of FOLIO."
    )
    accession_number: str | None = field("The accession number. Null in older versions of FOLIO.")
    administrative_notes: str | None = _joined("administrativeNotes", "Administrative notes of staff")
    instance_hrid: str | None = field(
        "The human-readable number of the title. Null in older versions of FOLIO."
    )
    dates_of_publication: str | None = _joined("datesOfPublication", "Dates of publication")
    editions: str | None = _joined("editions", "Editions of the title")
    physical_descriptions: str | None = _joined("physicalDescriptions", "Physical descriptions")
    series_statements: str | None = _joined("seriesStatements", "Series that the title belongs to")
    last_checked_in_date_time: DateTime | None = field("The date of the last check-in.")
    to_service_point: str | None = field("The name of the service point the item is on its way to.")
    from_service_point: str | None = field("The name of the service point the item comes from.")


@strawberry.type(description="The request on a slip.")
class StaffSlipRequest:
    request_id: strawberry.ID | None = field("The id of the request, a UUID.", key="requestID")
    request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = link(
        "The full request. Its id costs no upstream call.", loader="request", key="requestID"
    )
    service_point_pickup: str | None = field("The name of the pickup service point.")
    request_date: DateTime | None = field("The date of the request. Null in older versions of FOLIO.")
    request_expiration_date: DateTime | None = field(
        "The date after which the patron no longer needs the item."
    )
    hold_shelf_expiration_date: DateTime | None = field(
        "The date until which the item stays on the hold shelf."
    )
    additional_info: str | None = field("The comment on the cancellation.")
    reason_for_cancellation: str | None = field("The reason for the cancellation.")
    delivery_address_type: str | None = field("The name of the type of the delivery address.")
    patron_comments: str | None = field("The patron's comment.")


@strawberry.type(description="The requester on a slip.")
class StaffSlipRequester:
    first_name: str | None = field("The given name.")
    preferred_first_name: str | None = field("The preferred given name.")
    last_name: str | None = field("The family name.")
    middle_name: str | None = field("The middle name.")
    barcode: str | None = field("The number on the library card.")
    patron_group: str | None = field("The name of the patron group.")
    departments: str | None = field("The departments, joined with `; `.")
    primary_delivery_address_type: str | None = field("The name of the type of the primary address.")
    primary_address_line1: str | None = field("The first line of the primary address.")
    primary_address_line2: str | None = field("The second line of the primary address.")
    primary_city: str | None = field("The city of the primary address.")
    primary_state_prov_region: str | None = field("The state or province of the primary address.")
    primary_zip_postal_code: str | None = field("The postal code of the primary address.")
    primary_country: str | None = field("The country name of the primary address.")
    address_type: str | None = field("The name of the type of the delivery address.")
    address_line1: str | None = field("The first line of the delivery address.")
    address_line2: str | None = field("The second line of the delivery address.")
    city: str | None = field("The city of the delivery address.")
    region: str | None = field("The state or province of the delivery address.")
    postal_code: str | None = field("The postal code of the delivery address.")
    country_id: str | None = field("The country code of the delivery address.")


@strawberry.type(description="The contents of a printed slip for an item.")
class StaffSlip:
    current_date_time: DateTime | None = field("The date the slip was created.")
    item: StaffSlipItem | None = field("The item.")
    request: StaffSlipRequest | None = field("The request that the item is for.")
    requester: StaffSlipRequester | None = field("The requester.")


@strawberry.type(description="A complete list of slips of a service point.")
class StaffSlipList(FullList[StaffSlip]):
    pass


ServicePointId = Annotated[
    strawberry.ID, strawberry.argument(description="The id of the service point, a UUID.")
]


@query(
    "The items to retrieve from shelves near a service point. Upstream stops at 2500.",
    calls=["circulation_bff.pick_slips"],
)
async def pick_slips(info: Info, service_point_id: ServicePointId) -> StaffSlipList:
    key = arguments.check_uuid(service_point_id, "servicePointId")
    return cast(StaffSlipList, await whole(info, "pick_slips", key))


@query(
    "The items to search for on shelves near a service point, for holds.",
    calls=["circulation_bff.search_slips"],
)
async def search_slips(info: Info, service_point_id: ServicePointId) -> StaffSlipList:
    key = arguments.check_uuid(service_point_id, "servicePointId")
    return cast(StaffSlipList, await whole(info, "search_slips", key))


QUERIES = [
    pick_slips,
    search_slips,
]
