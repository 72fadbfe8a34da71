"""A patron's preference for receiving requested items."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.schema.enums import FulfillmentPreference, upstream_text
from gateway.schema.metadata import Metadata
from gateway.schema.reference import AddressType

if TYPE_CHECKING:
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


@strawberry.type(description="A patron's preference for receiving requested items.")
class RequestPreference:
    id: strawberry.ID = field("The id, a UUID.")
    hold_shelf: bool | None = field("True if the patron may pick up at a service point.")
    delivery: bool | None = field("True if the patron may have items delivered.")
    fulfillment: FulfillmentPreference | None = field("The preferred way, if both are allowed.")
    fulfillment_text: str | None = upstream_text("fulfillment")
    default_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The preferred pickup service point. Its id costs no upstream call.",
        loader="service_point",
        key="defaultServicePointId",
    )
    default_delivery_address_type: AddressType | None = link(
        "The type of the patron's address to deliver to. Its id costs no upstream call.",
        loader="address_type",
        key="defaultDeliveryAddressTypeId",
    )
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user with this preference.", loader="user", key="userId"
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
