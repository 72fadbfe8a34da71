"""Holdings, and the queries that start at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection_link
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.item import (
    ON_THE_SHELF,
    CallNumber,
    ElectronicAccess,
    ItemConnection,
    ItemFilter,
    ItemSort,
)
from gateway.schema.metadata import Metadata, Tags

if TYPE_CHECKING:
    from gateway.schema.instance import Instance
    from gateway.schema.location import Location


@strawberry.type(description="A note of holdings.")
class HoldingsNote:
    holdings_note_type_id: strawberry.ID | None = field(
        "What kind of note: an id of FOLIO's holdings note types."
    )
    note: str | None = field("The text.")
    staff_only: bool | None = field("Whether patrons must not see it.")


@strawberry.type(description="What a library has of a serial or a set.")
class HoldingsStatement:
    statement: str | None = field("What it has, such as `v.70-84 (1984-1998)`.")
    note: str | None = field("What patrons should know.")
    staff_note: str | None = field("What the staff should know.")


@strawberry.type(description="A part of a serial that was received.")
class ReceivingHistoryEntry:
    public_display: bool | None = field("Whether patrons may see it.")
    enumeration: str | None = field("Which part, such as `v.71:no.6-2`.")
    chronology: str | None = field("Which time it covers.")


@strawberry.type(description="Which parts of a serial were received.")
class ReceivingHistory:
    display_type: str | None = field("How to show the entries: `1` apart, `2` joined.")
    entries: list[ReceivingHistoryEntry | None] | None = field("The parts.")


@strawberry.type(description="What a library has of a title in one place; its copies are items.")
class Holdings:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("Counts the changes of the record.", key="_version")
    hrid: str | None = field("The number of the record that people use.")
    source_id: strawberry.ID | None = field("Where the record comes from: an id of FOLIO's holdings sources.")
    holdings_type_id: strawberry.ID | None = field("What kind of holdings: an id of FOLIO's holdings types.")
    former_ids: list[str | None] | None = field("Ids that the record had before, in other systems too.")
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title.", loader="instance", key="instanceId"
    )
    permanent_location: Annotated[Location, strawberry.lazy("gateway.schema.location")] | None = link(
        "Where the items belong.", loader="location", key="permanentLocationId"
    )
    temporary_location: Annotated[Location, strawberry.lazy("gateway.schema.location")] | None = link(
        "Where the items belong for now; null unless that differs.",
        loader="location",
        key="temporaryLocationId",
    )
    effective_location: Annotated[Location, strawberry.lazy("gateway.schema.location")] | None = link(
        "Where the items belong now, unless an item says otherwise.",
        loader="location",
        key="effectiveLocationId",
    )
    electronic_access: list[ElectronicAccess | None] | None = field("Where it can be read online.")
    call_number: str | None = field("The call number.")
    call_number_prefix: str | None = field("What stands before the call number.")
    call_number_suffix: str | None = field("What stands after the call number.")
    call_number_type_id: strawberry.ID | None = field(
        "Which scheme the call number follows: an id of FOLIO's call number types."
    )
    additional_call_numbers: list[CallNumber | None] | None = field(
        "Further call numbers; null from older versions of FOLIO."
    )
    shelving_title: str | None = field("The title as it is shelved.")
    acquisition_format: str | None = field("The form in which it was bought.")
    acquisition_method: str | None = field("How it came to the library, such as `Purchase`.")
    order_format: str | None = field("The form in which it was ordered.")
    receipt_status: str | None = field("Whether new parts still come in.")
    administrative_notes: list[str | None] | None = field("Notes of the staff about the record.")
    notes: list[HoldingsNote | None] | None = field("Notes about the holdings.")
    ill_policy_id: strawberry.ID | None = field(
        "Whether other libraries may borrow it: an id of FOLIO's ILL policies."
    )
    retention_policy: str | None = field("How long it is kept.")
    digitization_policy: str | None = field("Whether it may be digitized.")
    holdings_statements: list[HoldingsStatement | None] | None = field(
        "What the library has of the main work."
    )
    holdings_statements_for_indexes: list[HoldingsStatement | None] | None = field(
        "What the library has of the indexes."
    )
    holdings_statements_for_supplements: list[HoldingsStatement | None] | None = field(
        "What the library has of the supplements."
    )
    copy_number: str | None = field("Which copy it is.")
    number_of_items: str | None = field("How many items there are, as the record says; text.")
    receiving_history: ReceivingHistory | None = field("Which parts were received.")
    discovery_suppress: bool | None = field("Whether patrons must not find it.")
    statistical_code_ids: list[strawberry.ID | None] | None = field(
        "What it is counted as: ids of FOLIO's statistical codes."
    )
    tags: Tags | None = field("Free labels.")
    metadata: Metadata | None = field("Who made the record and when.")
    items: ItemConnection | None = connection_link(
        "The items, in the order of the shelf.",
        loader="items_of_holdings",
        filter=ItemFilter,
        sort=ItemSort,
        default_sort=ON_THE_SHELF,
    )


@strawberry.type(description="A page of holdings.")
class HoldingsConnection(Connection[Holdings]):
    pass


QUERIES = [
    root(
        "holdings",
        Holdings,
        lookup(
            "The holdings of one title in one place. Null when there are none.",
            id=("holdings", "The id, a UUID."),
        ),
    ),
]
