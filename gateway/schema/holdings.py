"""Holdings and their root field."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.page import connection_link
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.schema.item import (
    ON_THE_SHELF,
    CallNumber,
    ElectronicAccess,
    ItemConnection,
    ItemFilter,
    ItemsOfRecord,
    ItemSort,
)
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.page import Connection

if TYPE_CHECKING:
    from gateway.schema.instance import Instance
    from gateway.schema.location import Location


@strawberry.type(description="A note on holdings.")
class HoldingsNote:
    holdings_note_type_id: strawberry.ID | None = field("The id of the FOLIO holdings note type.")
    note: str | None = field("The text.")
    staff_only: bool | None = field("True if patrons must not see it.")


@strawberry.type(description="The library's holdings of a serial or a set.")
class HoldingsStatement:
    statement: str | None = field("The volumes held, such as `v.70-84 (1984-1998)`.")
    note: str | None = field("A note for patrons.")
    staff_note: str | None = field("A note for staff.")


@strawberry.type(description="One received part of a serial.")
class ReceivingHistoryEntry:
    public_display: bool | None = field("True if patrons may see it.")
    enumeration: str | None = field("The part, such as `v.71:no.6-2`.")
    chronology: str | None = field("The time covered.")


@strawberry.type(description="The received parts of a serial.")
class ReceivingHistory:
    display_type: str | None = field("The display type of the entries: `1` separate, `2` joined.")
    entries: list[ReceivingHistoryEntry | None] | None = field("The received parts.")


@strawberry.type(description="A library's holdings of a title at one location; the copies are items.")
class Holdings:
    id: strawberry.ID = field("The id, a UUID.")
    version: int | None = field("The version of the record, increased with every change.", key="_version")
    hrid: str | None = field("The human-readable number of the record.")
    source_id: strawberry.ID | None = field("The id of the FOLIO holdings source.")
    holdings_type_id: strawberry.ID | None = field("The id of the FOLIO holdings type.")
    former_ids: list[str | None] | None = field("Former ids of the record, including those of other systems.")
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title.", loader="instance", key="instanceId"
    )
    permanent_location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The permanent location of the items.", loader="location", key="permanentLocationId"
    )
    temporary_location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The temporary location of the items. Null if they are at their permanent location.",
        loader="location",
        key="temporaryLocationId",
    )
    effective_location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The location in force for the items. An item may override it.",
        loader="location",
        key="effectiveLocationId",
    )
    electronic_access: list[ElectronicAccess | None] | None = field("Links to online access.")
    call_number: str | None = field("The call number.")
    call_number_prefix: str | None = field("The prefix of the call number.")
    call_number_suffix: str | None = field("The suffix of the call number.")
    call_number_type_id: strawberry.ID | None = field("The id of the FOLIO call number type.")
    additional_call_numbers: list[CallNumber | None] | None = field(
        "Additional call numbers. Null in older versions of FOLIO."
    )
    shelving_title: str | None = field("The title used for shelving.")
    acquisition_format: str | None = field("The format in which it was acquired.")
    acquisition_method: str | None = field("The acquisition method, such as `Purchase`.")
    order_format: str | None = field("The format in which it was ordered.")
    receipt_status: str | None = field("The receipt status of new parts, as free text.")
    administrative_notes: list[str | None] | None = field("Administrative notes of staff.")
    notes: list[HoldingsNote | None] | None = field("Notes on the holdings.")
    ill_policy_id: strawberry.ID | None = field("The id of the FOLIO interlibrary loan policy.")
    retention_policy: str | None = field("The retention policy, as free text.")
    digitization_policy: str | None = field("The digitization policy, as free text.")
    holdings_statements: list[HoldingsStatement | None] | None = field("The holdings of the main work.")
    holdings_statements_for_indexes: list[HoldingsStatement | None] | None = field("The holdings of indexes.")
    holdings_statements_for_supplements: list[HoldingsStatement | None] | None = field(
        "The holdings of supplements."
    )
    copy_number: str | None = field("The copy number.")
    number_of_items: str | None = field("The number of items stated in the record, as text.")
    receiving_history: ReceivingHistory | None = field("The received parts.")
    discovery_suppress: bool | None = field("True if patrons must not see the record.")
    statistical_code_ids: list[strawberry.ID | None] | None = field("Ids of FOLIO statistical codes.")
    tags: Tags | None = field("Free-text labels.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    items: ItemConnection | None = connection_link(
        "The items in shelf order, including those in which the title is bound with others.",
        loader="items_of_holdings",
        kind=ItemsOfRecord,
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
            "The holdings of one title at one location. Null if they do not exist.",
            id=("holdings", strawberry.ID, "The id, a UUID."),
        ),
    ),
]
