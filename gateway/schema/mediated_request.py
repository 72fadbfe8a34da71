"""Mediated requests, to be confirmed by staff of a secure library."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.cancellation_reason import CancellationReason
from gateway.schema.enums import (
    FulfillmentPreference,
    RequestLevel,
    RequestType,
    member,
    unknown_member,
    upstream_text,
)
from gateway.schema.metadata import Metadata
from gateway.schema.reference import AddressType
from gateway.schema.request import (
    DeliveryAddress,
    RequestInstance,
    RequestItem,
    SearchIndex,
    embedded_person,
)
from gateway.schema.service_point import REQUEST_SUMMARY_MEMBERS, embedded_summary

if TYPE_CHECKING:
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.request import Request
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


@strawberry.enum(description="The general status of a mediated request.")
class MediatedRequestStatus(Enum):
    NEW = member("New", "Waiting for confirmation.")
    OPEN = member("Open", "Confirmed and being processed.")
    CLOSED = member("Closed", "Ended.")
    UNKNOWN = unknown_member()


@strawberry.enum(description="The detailed status of a mediated request.")
class MediatedRequestState(Enum):
    NEW_AWAITING_CONFIRMATION = member("New - Awaiting confirmation", "Waiting for staff.")
    OPEN_NOT_YET_FILLED = member("Open - Not yet filled", "Confirmed, waiting for the item.")
    OPEN_IN_TRANSIT_FOR_APPROVAL = member(
        "Open - In transit for approval", "The item is on its way to this library."
    )
    OPEN_ITEM_ARRIVED = member("Open - Item arrived", "The item arrived.")
    OPEN_IN_TRANSIT_TO_BE_CHECKED_OUT = member(
        "Open - In transit to be checked out", "The item is on its way to the pickup service point."
    )
    OPEN_AWAITING_PICKUP = member("Open - Awaiting pickup", "The item is on the hold shelf.")
    CLOSED_CANCELLED = member("Closed - Cancelled", "The request was cancelled.")
    CLOSED_DECLINED = member("Closed - Declined", "Declined by staff.")
    CLOSED_FILLED = member("Closed - Filled", "The patron received the item.")
    UNKNOWN = unknown_member()


@strawberry.type(description="A request for an item that staff of a secure library must confirm first.")
class MediatedRequest:
    id: strawberry.ID = field("The id, a UUID.")
    request_level: RequestLevel | None = field(
        "The level of the request: one item, or any item of the title."
    )
    request_level_text: str | None = upstream_text("requestLevel")
    request_type: RequestType | None = field("The type of the request.")
    request_type_text: str | None = upstream_text("requestType")
    request_date: DateTime | None = field("The date of the request.")
    patron_comments: str | None = field("The patron's comment.")
    requester: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The requester. The id, barcode, names and patron group cost no upstream call.",
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
        "The title. Its id, title, hrid and editions cost no upstream call.",
        loader="instance",
        key="instanceId",
        embedded={"title!": "instance.title", "hrid!": "instance.hrid", "editions": "instance.editions"},
    )
    request_instance: RequestInstance | None = field(
        "The title as embedded in the request. Never costs an upstream call.", key="instance"
    )
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item.", loader="holdings", key="holdingsRecordId"
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Its id, title, barcode and status cost no upstream call.",
        loader="item",
        key="itemId",
        embedded={
            "title!": "instance.title",
            "barcode": "item.barcode",
            "status.name!": "item.status",
            "instanceId!": "instanceId",
            "holdingsRecordId!": "holdingsRecordId",
        },
    )
    request_item: RequestItem | None = field(
        "The item as embedded in the request. Never costs an upstream call.", key="item"
    )
    mediated_workflow: str | None = field("The workflow, such as `Private request`.")
    mediated_request_status: MediatedRequestStatus | None = field("The general status.")
    mediated_request_status_text: str | None = upstream_text("mediatedRequestStatus")
    mediated_request_step: str | None = field("The step within the general status, as FOLIO's text.")
    status: MediatedRequestState | None = field("The detailed status.")
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
    position: int | None = field("The position in the queue, from 1.")
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
    pickup_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The pickup service point. All fields of its summary cost no upstream call.",
        loader="service_point",
        key="pickupServicePointId",
        embedded=embedded_summary("pickupServicePoint", REQUEST_SUMMARY_MEMBERS),
    )
    confirmed_request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = link(
        "The request created on confirmation. Null until then.", loader="request", key="confirmedRequestId"
    )
    search_index: SearchIndex | None = field("The values used for search.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
