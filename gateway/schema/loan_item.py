"""The item as a loan carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ItemStatusName

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.service_point import ServicePoint


@strawberry.type(description="The parts of a call number.")
class CallNumberComponents:
    call_number: str | None = field("The number itself.")
    prefix: str | None = field("What stands before it.")
    suffix: str | None = field("What stands after it.")


@strawberry.type(description="A name, where upstream sends nothing else.")
class Named:
    name: str | None = field("The name.")


@strawberry.type(description="The state of an item.")
class LoanItemStatus:
    name: ItemStatusName | None = field("The state.")
    date: DateTime | None = field("Since when.")


@strawberry.type(description="The item as its loan carries it: what a list of loans shows, at no extra cost.")
class LoanItem:
    id: strawberry.ID | None = field("The id of the item, a UUID.")
    tenant_id: str | None = field("The library that owns it, for items of a consortium.")
    title: str | None = field("The title.")
    call_number: str | None = field("The call number in force.")
    call_number_components: CallNumberComponents | None = field("Its parts.")
    copy_number: str | None = field("Which copy it is.")
    editions: list[str | None] | None = field("Editions of the title.")
    material_type: Named | None = field("What kind of thing it is.")
    contributors: list[Named | None] | None = field("Who made the work.")
    primary_contributor: str | None = field("Who made the work, first of all.")
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings that it belongs to.", loader="holdings", key="holdingsRecordId"
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title that it belongs to. Id, title and hrid cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title": "title", "hrid": "instanceHrid"},
    )
    instance_hrid: str | None = field("The number of the title that people use.")
    barcode: str | None = field("The barcode; null for items without.")
    location: Named | None = field("Where it belongs now.")
    status: LoanItemStatus | None = field("Its state.")
    in_transit_destination_service_point: (
        Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "Where it travels to. Null unless it is in transit. Id and name cost no upstream call.",
        loader="service_point",
        key="inTransitDestinationServicePointId",
        embedded={"name": "inTransitDestinationServicePoint.name"},
    )
    enumeration: str | None = field("Which part of a series, such as `v.73:no.1-6`.")
    chronology: str | None = field("Which time it covers, such as `1987:Jan.-June`.")
    volume: str | None = field("Which volume it is.")
    display_summary: str | None = field("One line for lists, in place of volume and enumeration.")
    dates_of_publication: list[str | None] | None = field("When the title came out.")
    accession_number: str | None = field("The number it got when it was bought.")
    physical_descriptions: list[str | None] | None = field("What the title looks like.")
