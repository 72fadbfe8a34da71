"""The item as embedded in a loan."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ItemStatusName, upstream_text

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.service_point import ServicePoint


@strawberry.type(description="The parts of a call number.")
class CallNumberComponents:
    call_number: str | None = field("The call number without prefix and suffix.")
    prefix: str | None = field("The prefix.")
    suffix: str | None = field("The suffix.")


@strawberry.type(description="A name; upstream sends nothing else.")
class Named:
    name: str | None = field("The name.")


@strawberry.type(description="The state of an item.")
class LoanItemStatus:
    name: ItemStatusName | None = field("The state.")
    name_text: str | None = upstream_text("name")
    date: DateTime | None = field("The date since which it applies.")


@strawberry.type(description="The item as embedded in its loan, for lists of loans at no extra cost.")
class LoanItem:
    id: strawberry.ID | None = field("The id of the item, a UUID.")
    tenant_id: str | None = field("The tenant that owns the item, in a consortium.")
    title: str | None = field("The title.")
    call_number: str | None = field("The call number in force.")
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    copy_number: str | None = field("The copy number.")
    editions: list[str | None] | None = field("Editions of the title.")
    material_type: Named | None = field("The material type.")
    contributors: list[Named | None] | None = field("The contributors of the work.")
    primary_contributor: str | None = field("The primary contributor.")
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings that the item belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item. Its id, title and hrid cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title!": "title", "hrid!": "instanceHrid"},
    )
    instance_hrid: str | None = field("The human-readable number of the title.")
    barcode: str | None = field("The barcode. Null for items without one.")
    location: Named | None = field("The location in force.")
    status: LoanItemStatus | None = field(
        "The state. `UNKNOWN` without a text if mod-circulation does not know it, such as `ORDER_CLOSED`; "
        "`item` has it then."
    )
    in_transit_destination_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point the item is on its way to. Null unless it is in transit. Its id and "
        "name cost no upstream call.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
        embedded={"name!": "inTransitDestinationServicePoint.name"},
    )
    enumeration: str | None = field("The part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("The time covered, such as `1987:Jan.-June`.")
    volume: str | None = field("The volume.")
    display_summary: str | None = field("A single line for lists, instead of volume and enumeration.")
    dates_of_publication: list[str | None] | None = field("Dates of publication.")
    accession_number: str | None = field("The accession number.")
    physical_descriptions: list[str | None] | None = field("Physical descriptions.")
    series_statements: list[str | None] | None = field(
        "Series that the title belongs to. The BFF omits them from lists, so they are read from circulation.",
        dropped_by="bff in part",
    )
    administrative_notes: list[str | None] | None = field(
        "Administrative notes of staff. The BFF omits them from lists, so they are read from circulation.",
        dropped_by="bff in part",
    )
