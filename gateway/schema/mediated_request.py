"""Mediated requests: wishes that the staff of a secure library confirms first."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.enums import member, unknown_member
from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.cancellation_reason import CancellationReason
from gateway.schema.enums import FulfillmentPreference, RequestLevel, RequestType
from gateway.schema.metadata import Metadata
from gateway.schema.reference import AddressType
from gateway.schema.request import (
    DeliveryAddress,
    RequestInstance,
    RequestItem,
    SearchIndex,
    embedded_person,
)
from gateway.schema.service_point import REQUEST_SUMMARY_MEMBERS

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.request import Request
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


@strawberry.enum(description="Where a mediated request stands, roughly.")
class MediatedRequestStatus(Enum):
    NEW = member("New", "It waits for confirmation.")
    OPEN = member("Open", "It was confirmed and is on its way.")
    CLOSED = member("Closed", "It ended.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="Where a mediated request stands, step by step.")
class MediatedRequestState(Enum):
    NEW_AWAITING_CONFIRMATION = member("New - Awaiting confirmation", "It waits for the staff.")
    OPEN_NOT_YET_FILLED = member("Open - Not yet filled", "It was confirmed and waits for the item.")
    OPEN_IN_TRANSIT_FOR_APPROVAL = member("Open - In transit for approval", "The item travels here.")
    OPEN_ITEM_ARRIVED = member("Open - Item arrived", "The item is here.")
    OPEN_IN_TRANSIT_TO_BE_CHECKED_OUT = member(
        "Open - In transit to be checked out", "The item travels to the pickup service point."
    )
    OPEN_AWAITING_PICKUP = member("Open - Awaiting pickup", "The item stands on the hold shelf.")
    CLOSED_CANCELLED = member("Closed - Cancelled", "Somebody cancelled it.")
    CLOSED_DECLINED = member("Closed - Declined", "The staff said no.")
    CLOSED_FILLED = member("Closed - Filled", "The patron got the item.")
    UNKNOWN = unknown_member()


@strawberry.type(description="A wish for an item that the staff of a secure library confirms first.")
class MediatedRequest:
    id: strawberry.ID = field("The id, a UUID.")
    request_level: RequestLevel | None = field("Whether it is for one copy or for any copy.")
    request_type: RequestType | None = field("What kind of wish it is.")
    request_date: DateTime | None = field("When it was made.")
    patron_comments: str | None = field("What the patron wrote.")
    requester: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who wants it. Id, barcode, names and patron group cost no upstream call.",
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
        "The title. Id, title, hrid and editions cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title": "instance.title", "hrid": "instance.hrid", "editions": "instance.editions"},
    )
    request_instance: RequestInstance | None = field(
        "The title as the request carries it: never costs an upstream call.", key="instance"
    )
    holdings: Annotated[Holdings, strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Id, title, barcode and status cost no upstream call.",
        loader="item",
        key="itemId",
        embedded={
            "title": "instance.title",
            "barcode": "item.barcode",
            "status.name": "item.status",
            "instanceId": "instanceId",
            "holdingsRecordId": "holdingsRecordId",
        },
    )
    request_item: RequestItem | None = field(
        "The item as the request carries it: never costs an upstream call.", key="item"
    )
    mediated_workflow: str | None = field("Which way it goes, such as `Private request`.")
    mediated_request_status: MediatedRequestStatus | None = field("Where it stands, roughly.")
    mediated_request_step: str | None = field("The step within that, in FOLIO's words.")
    status: MediatedRequestState | None = field("Where it stands, step by step.")
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
    position: int | None = field("The place in the queue, from 1.")
    fulfillment_preference: FulfillmentPreference | None = field("How the patron wants to get the item.")
    delivery_address_type: AddressType | None = link(
        "Which of the requester's addresses to deliver to.",
        loader="address_type",
        key="deliveryAddressTypeId",
    )
    delivery_address: DeliveryAddress | None = field("Where to deliver. Null unless it is to be delivered.")
    pickup_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link(
            "Where the patron picks it up. Everything of its summary costs no upstream call.",
            loader="service_point",
            key="pickupServicePointId",
            embedded={name: f"pickupServicePoint.{name}" for name in REQUEST_SUMMARY_MEMBERS},
        )
    )
    confirmed_request: Annotated[Request, strawberry.lazy("gateway.schema.request")] | None = link(
        "The request that came of it. Null until it is confirmed.", loader="request", key="confirmedRequestId"
    )
    search_index: SearchIndex | None = field("What it is searched by.")
    metadata: Metadata | None = field("Who made the record and when.")
