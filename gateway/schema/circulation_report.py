"""The reports of circulation and their root fields: hold-shelf clearance, and items in transit."""

from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import embedded_link, link
from gateway.fields.record import field
from gateway.fields.root import query
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ItemStatusName, RequestType, upstream_text
from gateway.schema.loan_item import CallNumberComponents, Named
from gateway.schema.page import FullList, whole
from gateway.schema.request import Request

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.service_point import ServicePoint


@strawberry.type(
    description="The closed requests whose items are to be cleared from the hold shelf of a service point."
)
class HoldShelfClearance(FullList[Request]):
    pass


@strawberry.type(description="The state of an item in transit.")
class ItemInTransitStatus:
    name: ItemStatusName | None = field("The state.")
    name_text: str | None = upstream_text("name")


@strawberry.type(description="The location of an item in transit.")
class ItemInTransitLocation:
    name: str | None = field("The name of the location.")
    code: str | None = field("The code of the location.")
    library_name: str | None = field("The name of its library.")


@strawberry.type(description="The first open request for an item in transit. Upstream sends no id of it.")
class ItemInTransitRequest:
    request_type: RequestType | None = field("The type of the request.")
    request_type_text: str | None = upstream_text("requestType")
    request_date: DateTime | None = field("The date of the request.")
    request_expiration_date: DateTime | None = field(
        "The date after which the patron no longer needs the item."
    )
    request_pickup_service_point_name: str | None = field(
        "The name of the pickup service point. Null for delivery."
    )
    request_patron_group: str | None = field("The description of the requester's patron group, not its name.")
    tags: list[str | None] | None = field("Free-text labels. Null if there are none.")


@strawberry.type(description="The service point of a check-in. Upstream sends no id of it.")
class CheckInServicePoint:
    name: str | None = field("The name.")
    code: str | None = field("The code.")
    discovery_display_name: str | None = field("The name shown to patrons.")
    description: str | None = field("A description of the service point.")
    shelving_lag_time: int | None = field("The minutes until a returned item is back on its shelf.")
    pickup_location: bool | None = field("True if requested items can be picked up here.")


@strawberry.type(description="A loan that ended with a check-in which put its item in transit.")
class ItemInTransitLoan:
    check_in_service_point: CheckInServicePoint | None = field("The service point of the check-in.")
    check_in_date_time: DateTime | None = field("The date of the return.")


@strawberry.type(description="The last scan of an item at check-in.")
class ItemInTransitCheckIn:
    date_time: DateTime | None = field("The date of the scan.")
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = (
        embedded_link(
            "The service point of the scan. Its id and name cost no upstream call.", loader="service_point"
        )
    )


@strawberry.type(description="An item on its way to a service point, as in the report on items in transit.")
class ItemInTransit:
    id: strawberry.ID | None = field("The id of the item, a UUID.")
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Its id, title, barcode and status cost no upstream call.",
        loader="item",
        key="id",
        embedded={
            "title!": "title",
            "barcode": "barcode",
            "status.name!": "status.name",
            "effectiveCallNumberComponents.callNumber": "effectiveCallNumberComponents.callNumber",
            "effectiveCallNumberComponents.prefix": "effectiveCallNumberComponents.prefix",
            "effectiveCallNumberComponents.suffix": "effectiveCallNumberComponents.suffix",
            "enumeration": "enumeration",
            "volume": "volume",
            "displaySummary": "displaySummary",
        },
    )
    title: str | None = field("The title.")
    barcode: str | None = field("The barcode. Null for items without one.")
    contributors: list[Named | None] | None = field("The contributors of the work.")
    call_number: str | None = field("The call number in force.")
    effective_call_number_components: CallNumberComponents | None = field(
        "The parts of the call number in force."
    )
    copy_number: str | None = field("The copy number of the item, or else that of its holdings.")
    enumeration: str | None = field("The part of a series.")
    volume: str | None = field("The volume.")
    display_summary: str | None = field("A single line for lists, instead of volume and enumeration.")
    year_caption: list[str | None] | None = field("Years. Null if there are none.")
    status: ItemInTransitStatus | None = field("The state.")
    in_transit_destination_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point that the item is on its way to. Its id and name cost no upstream call.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
        embedded={"name!": "inTransitDestinationServicePoint.name"},
    )
    location: ItemInTransitLocation | None = field("The location in force, to which the item belongs.")
    request: ItemInTransitRequest | None = field("The first open request. Null if there is none.")
    loan: ItemInTransitLoan | None = field(
        "A loan that ended with the item in transit. Null if it was not on loan before."
    )
    last_check_in: ItemInTransitCheckIn | None = field("The last scan at check-in. Null if there was none.")


@strawberry.type(description="A complete list of items in transit.")
class ItemInTransitList(FullList[ItemInTransit]):
    pass


@query(
    "The closed requests whose items are to be cleared from the hold shelf of a service point: they expired "
    "or were cancelled while the item awaited pickup, and no other request awaits it. Their `loan` is null, "
    "and so are contributors, publication and editions of their `requestInstance`.",
    calls=["circulation_reports.hold_shelf_clearance"],
)
async def hold_shelf_clearance(
    info: Info,
    service_point_id: Annotated[
        strawberry.ID, strawberry.argument(description="The id of the service point, a UUID.")
    ],
) -> HoldShelfClearance:
    key = arguments.check_uuid(service_point_id, "servicePointId")
    return cast(HoldShelfClearance, await whole(info, "hold_shelf_clearance", key))


@query(
    "All items in transit, from and to all service points, sorted by the name of the service point at which "
    "their loans ended. Upstream computes the list at each call, and has no conditions for it.",
    calls=["circulation_reports.items_in_transit"],
)
async def items_in_transit(info: Info) -> ItemInTransitList:
    return cast(ItemInTransitList, await whole(info, "items_in_transit", ""))


QUERIES = [
    hold_shelf_clearance,
    items_in_transit,
]
