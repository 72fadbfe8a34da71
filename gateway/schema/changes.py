"""Results of the subscription: the changes of records, and its root fields."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.base import Declared
from gateway.fields.link import link
from gateway.fields.page import full_list_link, page_field
from gateway.fields.record import derived, field
from gateway.fields.root import root
from gateway.fields.scalars import DateTime
from gateway.fields.subscription import QueueField, subscription
from gateway.schema.enums import member

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.loan import Loan
    from gateway.schema.request import Request, RequestQueue
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.staff_slip import StaffSlipList
    from gateway.schema.user import User


@strawberry.enum(description="The kind of a change.")
class ChangeKind(Enum):
    CREATED = member("created", "The record is new.")
    UPDATED = member("updated", "The record was changed.")
    DELETED = member("deleted", "The record was deleted. Only sent if this stream has sent it before.")
    RESYNC = member(
        "resync",
        "Changes may have been missed: read again what is shown. The record is null unless it is "
        "the one that is watched by its id.",
    )


KIND = "The kind of the change. Several changes within 200 ms are one result."
OCCURRED_AT = "The date of the change."


def kind_of_change() -> Declared:
    """Declare the kind of a change."""
    return derived(KIND, lambda change: change.get("kind"), members=("kind",), is_computed=True)


@strawberry.type(description="A change of a loan.")
class LoanChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = field(
        "The loan after the change. Null if it was deleted."
    )


@strawberry.type(description="A change of a request.")
class RequestChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = field(
        "The request after the change. Null if it was deleted."
    )


@strawberry.type(description="A change of a request queue: its requests, or their order.")
class RequestQueueChange:
    kind: ChangeKind | None = page_field(KIND, lambda change: change.kind, is_always_known=True)  # type: ignore[attr-defined]  # a `QueueChange`
    occurred_at: DateTime | None = page_field(
        OCCURRED_AT,
        lambda change: change.occurred_at,  # type: ignore[attr-defined]  # as above
        is_always_known=True,
    )
    request_queue: Annotated["RequestQueue", strawberry.lazy("gateway.schema.request")] | None = page_field(
        "The complete queue after the change, in order.",
        lambda change: change.queue,  # type: ignore[attr-defined]  # as above
        is_always_known=True,
    )


@strawberry.type(description="A change of an item.")
class ItemChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = field(
        "The item after the change. Null if it was deleted."
    )


@strawberry.type(description="A check-in at a service point.")
class ItemCheckIn:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field("The date of the check-in.", is_required=True)
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = field(
        "The item after the check-in."
    )
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The service point. Its id costs no upstream call.", loader="service_point", key="servicePointId"
    )


@strawberry.type(description="A change of a user.")
class UserChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = field(
        "The user after the change. Null if the user was deleted."
    )


@strawberry.type(description="A change of the fees and fines of a user.")
class AccountsChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = field(
        "The user, whose `accounts` are those after the change."
    )


@strawberry.type(description="A change of the slips of a service point.")
class SlipsChange:
    kind: ChangeKind | None = kind_of_change()
    occurred_at: DateTime | None = field(OCCURRED_AT, is_required=True)
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = field(
        "The service point."
    )
    pick_slips: Annotated["StaffSlipList", strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "The items to retrieve from shelves. One upstream call.",
            loader="pick_slips",
            key="servicePointId",
        )
    )
    search_slips: Annotated["StaffSlipList", strawberry.lazy("gateway.schema.staff_slip")] | None = (
        full_list_link(
            "The items to search for on shelves, for holds. One upstream call.",
            loader="search_slips",
            key="servicePointId",
        )
    )


SUBSCRIPTIONS = [
    root(
        "loan_changed",
        LoanChange,
        subscription(
            "Changes of one loan, or of all loans of a user or an item.",
            subject="loan",
            member="loan",
            target="loan",
            id=("loan", strawberry.ID, "The id of the loan, a UUID."),
            user_id=("user", strawberry.ID, "The id of the borrower, a UUID."),
            item_id=("item", strawberry.ID, "The id of the item, a UUID."),
        ),
    ),
    root(
        "request_changed",
        RequestChange,
        subscription(
            "Changes of one request, or of all requests of a user, for a title, for an item or at a pickup "
            "service point. A moved position is a change of the queue alone: see `requestQueueChanged`.",
            subject="request",
            member="request",
            target="request",
            id=("request", strawberry.ID, "The id of the request, a UUID."),
            requester_id=("user", strawberry.ID, "The id of the requester, a UUID."),
            instance_id=("instance", strawberry.ID, "The id of the title, a UUID."),
            item_id=("item", strawberry.ID, "The id of the item, a UUID."),
            pickup_service_point_id=(
                "service_point",
                strawberry.ID,
                "The id of the pickup service point, a UUID.",
            ),
        ),
    ),
    root(
        "request_queue_changed",
        RequestQueueChange,
        subscription(
            "Changes of the request queue of a title or of an item: new and closed requests, changed ones, "
            "and moved positions.",
            subject="requestQueue",
            member="requestQueue",
            target=None,
            kind=QueueField,
            instance_id=("instance", strawberry.ID, "The id of the title, a UUID."),
            item_id=("item", strawberry.ID, "The id of the item, a UUID."),
        ),
    ),
    root(
        "item_changed",
        ItemChange,
        subscription(
            "Changes of one item, or of all items of a title.",
            subject="item",
            member="item",
            target="item",
            id=("item", strawberry.ID, "The id of the item, a UUID."),
            instance_id=("instance", strawberry.ID, "The id of the title, a UUID."),
        ),
    ),
    root(
        "item_checked_in",
        ItemCheckIn,
        subscription(
            "Check-ins at a service point, also of items that were not on loan.",
            subject="checkIn",
            member="item",
            target="item",
            service_point_id=("service_point", strawberry.ID, "The id of the service point, a UUID."),
        ),
    ),
    root(
        "user_changed",
        UserChange,
        subscription(
            "Changes of one user.",
            subject="user",
            member="user",
            target="user",
            id=("user", strawberry.ID, "The id of the user, a UUID."),
        ),
    ),
    root(
        "accounts_changed",
        AccountsChange,
        subscription(
            "Changes of the fees and fines of a user.",
            subject="accounts",
            member="user",
            target=None,
            user_id=("user", strawberry.ID, "The id of the user, a UUID."),
        ),
    ),
    root(
        "slips_changed",
        SlipsChange,
        subscription(
            "Changes of the slips of a service point.",
            subject="slips",
            member="servicePoint",
            target=None,
            service_point_id=("service_point", strawberry.ID, "The id of the service point, a UUID."),
        ),
    ),
]
