"""Requests, and the queries that start at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, FullList, connection, whole
from gateway.fields.record import field
from gateway.fields.root import query, root
from gateway.fields.scalars import DateTime
from gateway.schema.cancellation_reason import CancellationReason
from gateway.schema.enums import (
    EcsRequestPhase,
    FulfillmentPreference,
    RequestLevel,
    RequestStatus,
    RequestType,
)
from gateway.schema.instance import Identifier, Publication
from gateway.schema.loan_item import CallNumberComponents, Named
from gateway.schema.metadata import Metadata, Tags
from gateway.schema.reference import AddressType, LoanType
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.service_point import REQUEST_SUMMARY_MEMBERS
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
    """What a request carries of a person: mod-circulation embeds it, the BFF passes it on."""
    return {
        "barcode": f"{summary}.barcode",
        "personal.lastName": f"{summary}.lastName",
        "personal.firstName": f"{summary}.firstName",
        "personal.middleName": f"{summary}.middleName",
        "patronGroup": f"{summary}.patronGroupId",
        "patronGroup>group": f"{summary}.patronGroup.group",
        "patronGroup>desc": f"{summary}.patronGroup.desc",
    }


@strawberry.type(description="The title as its request carries it: never costs an upstream call.")
class RequestInstance:
    title: str | None = field("The title.")
    identifiers: list[Identifier | None] | None = field("Numbers that the title is known by.")
    contributor_names: list[Named | None] | None = field("Who made the work.")
    publication: list[Publication | None] | None = field("Who brought it out, where and when.")
    editions: list[str | None] | None = field("Editions.")
    hrid: str | None = field("The number of the title that people use, where upstream sends it.")


@strawberry.type(description="Where a requested item belongs.")
class RequestItemLocation:
    name: str | None = field("The name of the location.")
    library_name: str | None = field("The name of its library.")
    code: str | None = field("The code of the location.")


@strawberry.type(description="The item as its request carries it: never costs an upstream call.")
class RequestItem:
    barcode: str | None = field("The barcode; null for items without.")
    location: RequestItemLocation | None = field("Where it belongs.")
    enumeration: str | None = field("Which part of a series.")
    volume: str | None = field("Which volume.")
    chronology: str | None = field("Which time it covers.")
    display_summary: str | None = field("One line for lists, in place of volume and enumeration.")
    loan_type: LoanType | None = link(
        "How it may be lent. Id and name cost no upstream call.",
        loader="loan_type",
        key="loanTypeId",
        embedded={"name": "loanTypeName"},
    )
    status: str | None = field("Its state, in FOLIO's words.")
    call_number: str | None = field("The call number.")
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    copy_number: str | None = field("Which copy it is.")
    effective_location: Annotated[Location, strawberry.lazy("gateway.schema.location")] | None = link(
        "Where it belongs. Id and name cost no upstream call.",
        loader="location",
        key="itemEffectiveLocationId",
        embedded={"name": "itemEffectiveLocationName"},
    )
    retrieval_service_point: (
        Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "Where it is to be fetched. Id and name cost no upstream call.",
        loader="service_point",
        key="retrievalServicePointId",
        embedded={"name": "retrievalServicePointName"},
    )


@strawberry.type(description="Where a requested item is to be delivered.")
class DeliveryAddress:
    address_line1: str | None = field("First line.")
    address_line2: str | None = field("Second line.")
    city: str | None = field("The city.")
    region: str | None = field("State or province.")
    postal_code: str | None = field("Postal code.")
    country_id: str | None = field("The country code, such as `US`.")
    address_type: AddressType | None = link(
        "What kind of address it is: home, work ...", loader="address_type", key="addressTypeId"
    )


@strawberry.type(description="What requests are searched and sorted by. FOLIO leaves it out of most answers.")
class SearchIndex:
    call_number_components: CallNumberComponents | None = field("The parts of the call number.")
    shelving_order: str | None = field("The place on the shelf, as text that sorts.")
    pickup_service_point_name: str | None = field("The name of the pickup service point.")


@strawberry.type(description="The batch that a request was born in.")
class BatchRequestInfo:
    batch_request: Annotated[BatchRequest, strawberry.lazy("gateway.schema.batch_request")] | None = link(
        "The batch. Its id costs no upstream call; the batch itself one each.",
        loader="batch_request",
        key="batchRequestId",
        identity="batchId",
    )
    batch_request_submitted_at: DateTime | None = field("When the batch was sent.")


@strawberry.type(description="The open loan of a requested item, as its request carries it.")
class RequestLoan:
    due_date: DateTime | None = field("When the item is due back.")


@strawberry.type(description="When the slip of a request was printed, and by whom.")
class PrintDetails:
    print_count: int | None = field("How many times it was printed.")
    is_printed: bool | None = field("Whether it was printed at all.")
    print_event_date: DateTime | None = field("When it was printed last.")
    requester: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who printed it last. Id and names cost no upstream call.",
        loader="user",
        key="requesterId",
        embedded={
            "personal.lastName": "lastPrintRequester.lastName",
            "personal.firstName": "lastPrintRequester.firstName",
            "personal.middleName": "lastPrintRequester.middleName",
        },
    )


@strawberry.type(description="A patron's wish to get an item or a title.")
class Request:
    id: strawberry.ID = field("The id, a UUID.")
    request_type: RequestType | None = field("What kind of wish it is.")
    request_level: RequestLevel | None = field("Whether it is for one copy or for any copy.")
    ecs_request_phase: EcsRequestPhase | None = field("Which half of a consortial request it is.")
    request_date: DateTime | None = field("When it was made.")
    patron_comments: str | None = field("What the patron wrote.")
    requester: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who wants it. Null on closed requests whose requester the library has forgotten. "
        "Id, barcode, names and patron group cost no upstream call.",
        loader="user",
        key="requesterId",
        embedded=embedded_person("requester"),
    )
    proxy: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who asked in the requester's name. Id, barcode, names and patron group cost no upstream call.",
        loader="user",
        key="proxyUserId",
        embedded=embedded_person("proxy"),
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title. Id, title and editions cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title": "instance.title", "editions": "instance.editions"},
    )
    request_instance: RequestInstance | None = field(
        "The title as the request carries it: never costs an upstream call.", key="instance"
    )
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Null on title-level requests that no item was found for yet. "
        "Id, title, barcode and status cost no upstream call.",
        loader="item",
        key="itemId",
        embedded={
            "title": "instance.title",
            "barcode": "item.barcode",
            "status.name": "item.status",
            "effectiveCallNumberComponents.callNumber": "item.callNumberComponents.callNumber",
            "effectiveCallNumberComponents.prefix": "item.callNumberComponents.prefix",
            "effectiveCallNumberComponents.suffix": "item.callNumberComponents.suffix",
            "enumeration": "item.enumeration",
            "volume": "item.volume",
            "chronology": "item.chronology",
            "displaySummary": "item.displaySummary",
            "effectiveLocation.id": "item.itemEffectiveLocationId",
            "effectiveLocation.name": "item.itemEffectiveLocationName",
            "instanceId": "instanceId",
            "holdingsRecordId": "holdingsRecordId",
        },
    )
    request_item: RequestItem | None = field(
        "The item as the request carries it: never costs an upstream call.", key="item"
    )
    open_loan: Annotated[Loan, strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan that the item is out on; null when it is not lent.",
        loader="open_loan_of_item",
        key="itemId",
        identity=None,
    )
    status: RequestStatus | None = field("Where it stands.")
    cancellation_reason: CancellationReason | None = link(
        "Why it was cancelled. Its id costs no upstream call.",
        loader="cancellation_reason",
        key="cancellationReasonId",
    )
    cancelled_by: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who cancelled it.", loader="user", key="cancelledByUserId"
    )
    cancellation_additional_information: str | None = field("What was written about the cancellation.")
    cancelled_date: DateTime | None = field("When it was cancelled.")
    position: int | None = field("The place in the queue, from 1. Null on closed requests.")
    fulfillment_preference: FulfillmentPreference | None = field("How the patron wants to get the item.")
    delivery_address_type: AddressType | None = link(
        "Which of the requester's addresses to deliver to.",
        loader="address_type",
        key="deliveryAddressTypeId",
    )
    delivery_address: DeliveryAddress | None = field("Where to deliver. Null unless it is to be delivered.")
    request_expiration_date: DateTime | None = field("When the patron no longer wants it.")
    hold_shelf_expiration_date: DateTime | None = field("Until when it stands on the hold shelf.")
    pickup_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link(
            "Where the patron picks it up. Null when it is to be delivered. "
            "Everything of its summary costs no upstream call.",
            loader="service_point",
            key="pickupServicePointId",
            embedded={name: f"pickupServicePoint.{name}" for name in REQUEST_SUMMARY_MEMBERS},
        )
    )
    tags: Tags | None = field(
        "Free labels. The BFF cannot read them: circulation is asked.", dropped_by="bff"
    )
    metadata: Metadata | None = field("Who made the record and when.")
    search_index: SearchIndex | None = field("What the request is searched by, where upstream sends it.")
    batch_request_info: BatchRequestInfo | None = field(
        "The batch that it was born in; null for most. Together with `loan`, `printDetails`, "
        "`itemLocationCode` or `isDcbReRequestCancellation` it costs one call more per 50 requests: no "
        "upstream service sends all of them.",
        dropped_by="circulation",
    )
    loan: RequestLoan | None = field(
        "The due date of the loan that the item is out on; null when it is not lent.", dropped_by="bff"
    )
    print_details: PrintDetails | None = field(
        "Who printed its slip, and when. Null for what was never printed.", dropped_by="bff"
    )
    item_location_code: str | None = field("The code of the place of the item.", dropped_by="bff")
    is_dcb_re_request_cancellation: bool | None = field(
        "Whether it was cancelled only to be made again for another library of the consortium.",
        dropped_by="bff",
    )


@strawberry.type(description="A page of requests.")
class RequestConnection(Connection[Request]):
    pass


@strawberry.type(description="A queue of requests, all of it, in order.")
class RequestQueue(FullList[Request]):
    pass


@query(
    "The open requests of a title or of an item, in the order of the queue. Upstream stops at "
    "1000. Which of the two queues counts is a setting of the library: title-level requests on or off."
)
async def request_queue(
    info: Info,
    instance_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="The queue of a title, a UUID.")
    ] = None,
    item_id: Annotated[strawberry.ID | None, strawberry.argument(description="The queue of an item.")] = None,
) -> RequestQueue | None:
    name, key = arguments.exactly_one(instanceId=instance_id, itemId=item_id)
    loader = "queue_of_instance" if name == "instanceId" else "queue_of_item"
    return await whole(info, loader, arguments.uuid(key, name))  # type: ignore[return-value]  # what lists read


QUERIES = [
    request_queue,
    root(
        "request", Request, lookup("One request. Null when there is none.", id=("request", "The id, a UUID."))
    ),
    root(
        "requests",
        RequestConnection,
        connection(
            "Requests, a page at a time. Try "
            "`{ requests(filter: { status: [OPEN_AWAITING_PICKUP] }) { nodes { requester { barcode } } } }`.",
            ask=lambda upstream: upstream.circulation_bff.requests,
            direct=lambda upstream: upstream.circulation.requests,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=[cql.SortKey("requestDate")],
        ),
    ),
]
