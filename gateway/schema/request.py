"""Requests and their root fields."""

from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import lookup, query, root
from gateway.fields.scalars import DateTime
from gateway.schema.cancellation_reason import CancellationReason
from gateway.schema.enums import (
    EcsRequestPhase,
    FulfillmentPreference,
    RequestLevel,
    RequestStatus,
    RequestType,
    upstream_text,
)
from gateway.schema.instance import Identifier, Publication
from gateway.schema.loan_item import CallNumberComponents, Named
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.note import NoteConnection, notes_of
from gateway.schema.page import Connection, FullList, whole
from gateway.schema.reference import AddressType, LoanType
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.service_point import REQUEST_SUMMARY_MEMBERS, embedded_summary
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.batch_request import BatchRequest
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.loan import Loan
    from gateway.schema.location import Location
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


def embedded_person(summary: str) -> dict[str, str]:
    """Return the members of a person embedded in a request (by mod-circulation; the BFF passes them on).

    The hold-shelf clearance report has names and barcode alone.
    """
    return {
        "barcode": f"{summary}.barcode",
        "personal.lastName": f"{summary}.lastName",
        "personal.firstName": f"{summary}.firstName",
        "personal.middleName": f"{summary}.middleName",
        "patronGroup!": f"{summary}.patronGroupId",
        "patronGroup>group": f"{summary}.patronGroup.group",
        "patronGroup>desc": f"{summary}.patronGroup.desc",
    }


@strawberry.type(description="The title as embedded in its request. Never costs an upstream call.")
class RequestInstance:
    title: str | None = field("The title.")
    identifiers: list[Identifier | None] | None = field("Identifiers of the title.")
    contributor_names: list[Named | None] | None = field("The contributors of the work.")
    publication: list[Publication | None] | None = field("Publication statements: publisher, place and date.")
    editions: list[str | None] | None = field("Editions.")
    hrid: str | None = field("The human-readable number of the title. Null if upstream does not send it.")


@strawberry.type(description="The location of a requested item.")
class RequestItemLocation:
    name: str | None = field("The name of the location.")
    library_name: str | None = field("The name of its library.")
    code: str | None = field("The code of the location.")


@strawberry.type(description="The item as embedded in its request. Never costs an upstream call.")
class RequestItem:
    barcode: str | None = field("The barcode. Null for items without one.")
    location: RequestItemLocation | None = field("The location.")
    enumeration: str | None = field("The part of a series.")
    volume: str | None = field("The volume.")
    chronology: str | None = field("The time covered.")
    display_summary: str | None = field("A single line for lists, instead of volume and enumeration.")
    loan_type: LoanType | None = link(
        "The permanent loan type. Its id and name cost no upstream call.",
        loader="loan_type",
        key="loanTypeId",
        embedded={"name!": "loanTypeName"},
    )
    status: str | None = field(
        "The state, as FOLIO's text. Empty if mod-circulation does not know it, such as `Order closed`; "
        "`item` has it then."
    )
    call_number: str | None = field("The call number.")
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    copy_number: str | None = field("The copy number.")
    effective_location: Annotated["Location", strawberry.lazy("gateway.schema.location")] | None = link(
        "The location in force. Its id and name cost no upstream call.",
        loader="location",
        key="itemEffectiveLocationId",
        embedded={"name!": "itemEffectiveLocationName"},
    )
    retrieval_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point that retrieves the item. Its id and name cost no upstream call.",
        loader="service_point",
        key="retrievalServicePointId",
        embedded={"name!": "retrievalServicePointName"},
    )


@strawberry.type(description="The delivery address of a requested item.")
class DeliveryAddress:
    address_line1: str | None = field("The first line.")
    address_line2: str | None = field("The second line.")
    city: str | None = field("The city.")
    region: str | None = field("The state or province.")
    postal_code: str | None = field("The postal code.")
    country_id: str | None = field("The country code, such as `US`.")
    address_type: AddressType | None = link(
        "The type of the address, such as home or work.", loader="address_type", key="addressTypeId"
    )


@strawberry.type(
    description="The values used for search and sorting of requests. FOLIO omits them from most responses."
)
class SearchIndex:
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    shelving_order: str | None = field("The shelving order, as sortable text.")
    pickup_service_point_name: str | None = field("The name of the pickup service point.")


@strawberry.type(description="The batch that a request belongs to.")
class BatchRequestInfo:
    batch_request: Annotated["BatchRequest", strawberry.lazy("gateway.schema.batch_request")] | None = link(
        "The batch. Its id costs no upstream call; other fields cost one call per batch.",
        loader="batch_request",
        key="batchRequestId",
        identity="batchId",
    )
    batch_request_submitted_at: DateTime | None = field("The date the batch was submitted.")


@strawberry.type(description="The open loan of a requested item, as embedded in its request.")
class RequestLoan:
    due_date: DateTime | None = field("The date the item is due back.")


@strawberry.type(description="The printing of a request's slip.")
class PrintDetails:
    print_count: int | None = field("The number of times the slip was printed.")
    is_printed: bool | None = field("True if the slip was printed.")
    print_event_date: DateTime | None = field("The date of the last printing.")
    requester: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who last printed the slip. The id and names cost no upstream call.",
        loader="user",
        key="requesterId",
        embedded={
            "personal.lastName": "lastPrintRequester.lastName",
            "personal.firstName": "lastPrintRequester.firstName",
            "personal.middleName": "lastPrintRequester.middleName",
        },
    )


@strawberry.type(description="A patron's request for an item or a title.")
class Request:
    id: strawberry.ID = field("The id, a UUID.")
    request_type: RequestType | None = field("The type of the request.", is_required=True)
    request_type_text: str | None = upstream_text("requestType")
    request_level: RequestLevel | None = field(
        "The level of the request: one item, or any item of the title."
    )
    request_level_text: str | None = upstream_text("requestLevel")
    ecs_request_phase: EcsRequestPhase | None = field(
        "The part of a consortial request. Null outside a consortium."
    )
    ecs_request_phase_text: str | None = upstream_text("ecsRequestPhase")
    request_date: DateTime | None = field("The date of the request.", is_required=True)
    patron_comments: str | None = field("The patron's comment.")
    requester: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The requester. Null if the closed request was anonymized. The id, barcode, names and "
        "patron group cost no upstream call.",
        loader="user",
        key="requesterId",
        embedded=embedded_person("requester"),
    )
    proxy: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who requested on the requester's behalf. The id, barcode, names and patron group "
        "cost no upstream call.",
        loader="user",
        key="proxyUserId",
        embedded=embedded_person("proxy"),
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title. Its id, title and editions cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title!": "instance.title", "editions": "instance.editions"},
        sent_with={"editions": "instance.contributorNames"},  # neither is in the clearance report
    )
    request_instance: RequestInstance | None = field(
        "The title as embedded in the request. Never costs an upstream call.", key="instance"
    )
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Null for a title-level request without an assigned item. Its id, title, barcode "
        "and status cost no upstream call.",
        loader="item",
        key="itemId",
        embedded={
            "title!": "instance.title",
            "barcode": "item.barcode",
            "status.name!": "item.status",
            "effectiveCallNumberComponents.callNumber": "item.callNumberComponents.callNumber",
            "effectiveCallNumberComponents.prefix": "item.callNumberComponents.prefix",
            "effectiveCallNumberComponents.suffix": "item.callNumberComponents.suffix",
            "enumeration": "item.enumeration",
            "volume": "item.volume",
            "chronology": "item.chronology",
            "displaySummary": "item.displaySummary",
            "effectiveLocation.id": "item.itemEffectiveLocationId",
            "effectiveLocation.name!": "item.itemEffectiveLocationName",
            "instanceId!": "instanceId",
            "holdingsRecordId!": "holdingsRecordId",
        },
    )
    request_item: RequestItem | None = field(
        "The item as embedded in the request. Never costs an upstream call.", key="item"
    )
    open_loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = link(
        "The open loan of the item. Null if it is not on loan.",
        loader="open_loan_of_item",
        key="itemId",
        identity=None,
    )
    status: RequestStatus | None = field("The status.")
    status_text: str | None = upstream_text("status")
    cancellation_reason: CancellationReason | None = link(
        "The reason for the cancellation. Its id costs no upstream call.",
        loader="cancellation_reason",
        key="cancellationReasonId",
    )
    cancelled_by: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who cancelled the request.", loader="user", key="cancelledByUserId"
    )
    cancellation_additional_information: str | None = field("The comment on the cancellation.")
    cancelled_date: DateTime | None = field("The date of the cancellation.")
    awaiting_pickup_request_closed_date: DateTime | None = field(
        "The date the request expired or was cancelled while its item was on the hold shelf. Null for all "
        "others.",
        dropped_by="bff",
    )
    position: int | None = field("The position in the queue, from 1. Null for closed requests.")
    fulfillment_preference: FulfillmentPreference | None = field(
        "The way a patron receives a requested item."
    )
    fulfillment_preference_text: str | None = upstream_text("fulfillmentPreference")
    delivery_address_type: AddressType | None = link(
        "The type of the requester's address to deliver to.",
        loader="address_type",
        key="deliveryAddressTypeId",
    )
    delivery_address: DeliveryAddress | None = field(
        "The address to deliver to. Null unless the item is to be delivered."
    )
    request_expiration_date: DateTime | None = field(
        "The date after which the patron no longer needs the item."
    )
    hold_shelf_expiration_date: DateTime | None = field(
        "The date until which the item stays on the hold shelf."
    )
    pickup_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The pickup service point. Null for delivery. All fields of its summary cost no upstream call.",
        loader="service_point",
        key="pickupServicePointId",
        embedded=embedded_summary("pickupServicePoint", REQUEST_SUMMARY_MEMBERS),
    )
    tags: Tags | None = field(
        "Free-text labels. The BFF cannot read them, so they are read from circulation.", dropped_by="bff"
    )
    notes: NoteConnection | None = notes_of("requests", "request")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    search_index: SearchIndex | None = field(
        "The values used for search. Null if upstream does not send them."
    )
    batch_request_info: BatchRequestInfo | None = field(
        "The batch that the request belongs to; null for most requests. In queues and reports, and "
        "beside `tags`, `loan`, `printDetails`, `itemLocationCode` or `isDcbReRequestCancellation`, it "
        "costs one more call per 75 requests: no upstream service sends all of them. If ten requests of "
        "a page or more have one, the others are read again, 40 in a call. Null where the BFF "
        "does not list requests.",
        dropped_by="circulation",
    )
    loan: RequestLoan | None = field(
        "The due date of the item's open loan. Null if it is not on loan.", dropped_by="bff"
    )
    print_details: PrintDetails | None = field(
        "The printing of the request's slip. Null if it was never printed.", dropped_by="bff"
    )
    item_location_code: str | None = field("The code of the item's location.", dropped_by="bff")
    is_dcb_re_request_cancellation: bool | None = field(
        "True if the request was cancelled only to be created again for another library of the consortium.",
        dropped_by="bff",
    )


@strawberry.type(description="A page of requests.")
class RequestConnection(Connection[Request]):
    pass


@strawberry.type(description="A complete request queue, in order.")
class RequestQueue(FullList[Request]):
    pass


@query(
    "The open requests for a title or an item, in queue order. Upstream stops at 1000. The "
    "library's setting for title-level requests decides which of the two queues applies.",
    calls=[("circulation.queue_of_instance", "circulation.queue_of_item")],
)
async def request_queue(
    info: Info,
    instance_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The id of the title, a UUID.")
    ] = None,
    item_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The id of the item, a UUID.")
    ] = None,
) -> RequestQueue:
    name, key = arguments.exactly_one(instanceId=instance_id, itemId=item_id)
    loader = "queue_of_instance" if name == "instanceId" else "queue_of_item"
    return cast(RequestQueue, await whole(info, loader, arguments.check_uuid(key, name)))


QUERIES = [
    request_queue,
    root(
        "request",
        Request,
        lookup("One request. Null if it does not exist.", id=("request", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "requests",
        RequestConnection,
        connection(
            "A page of requests. Try `{ requests(filter: { status: [OPEN_AWAITING_PICKUP] }) { nodes { "
            "requester { barcode } } } }`.",
            collection="circulation_bff.requests",
            direct="circulation.requests",
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate")],
        ),
    ),
]
