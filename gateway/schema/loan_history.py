"""What happened to a loan: a copy of it for every change."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.enums import member, unknown_member
from gateway.fields.link import link
from gateway.fields.page import Connection
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ItemStatusName, LoanStatusName
from gateway.schema.loan_extras import AgedToLostDelayedBilling, ForUseAtLocation, Reminders
from gateway.schema.metadata import Metadata
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.location import Location
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import PatronGroup, User

LATEST_CHANGE_FIRST = (cql.SortKey("createdDate", descending=True),)


@strawberry.enum(description="What kind of change an entry of a history is.")
class HistoryOperation(Enum):
    INSERT = member("I", "The record was made.")
    UPDATE = member("U", "The record was changed.")
    DELETE = member("D", "The record was deleted.")
    UNKNOWN = unknown_member()


@strawberry.type(description="Whether a loan was still running.")
class LoanSnapshotStatus:
    name: LoanStatusName | None = field("`OPEN` or `CLOSED`.")


@strawberry.type(description="A loan as it was stored after a change.")
class LoanSnapshot:
    id: strawberry.ID | None = field("The id of the loan.")
    borrower: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who had the item. Null where the library has forgotten it.", loader="user", key="userId"
    )
    proxy: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who borrowed in the borrower's name.", loader="user", key="proxyUserId"
    )
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "What was lent, as it is now.", loader="item", key="itemId"
    )
    item_effective_location_at_check_out: (
        Annotated[Location, strawberry.lazy("gateway.schema.location")] | None
    ) = link(
        "Where the item belonged when it was lent.",
        loader="location",
        key="itemEffectiveLocationIdAtCheckOut",
    )
    status: LoanSnapshotStatus | None = field("Whether the loan was still running.")
    loan_date: DateTime | None = field("When the item was lent.")
    due_date: DateTime | None = field("When the item was due back.")
    return_date: DateTime | None = field("When the item counted as returned.")
    system_return_date: DateTime | None = field("When the check-in was really made.")
    action: str | None = field("What happened: `checkedout`, `renewed`, `checkedin` and more.")
    action_comment: str | None = field("What the staff wrote about it.")
    item_status: ItemStatusName | None = field("The state of the item after it.")
    renewal_count: int | None = field("How many times the loan had been renewed.")
    loan_policy: LoanPolicy | None = link(
        "The rules for the loan period and renewals.", loader="loan_policy", key="loanPolicyId"
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The rules for fines.", loader="overdue_fine_policy", key="overdueFinePolicyId"
    )
    lost_item_policy: LostItemFeePolicy | None = link(
        "The rules for lost items.", loader="lost_item_fee_policy", key="lostItemPolicyId"
    )
    checkout_service_point: (
        Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None
    ) = link("Where the item was lent.", loader="service_point", key="checkoutServicePointId")
    checkin_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link("Where the item came back.", loader="service_point", key="checkinServicePointId")
    )
    patron_group_at_checkout: Annotated[PatronGroup, strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron group of the borrower when the item was lent.",
        loader="patron_group",
        key="patronGroupIdAtCheckout",
    )
    due_date_changed_by_recall: bool | None = field("Whether a recall had changed the due date.")
    due_date_changed_by_near_expire_user: bool | None = field(
        "Whether the due date had been cut because the patron's account ends."
    )
    due_date_changed_by_hold: bool | None = field("Whether a hold had changed the due date.")
    declared_lost_date: DateTime | None = field("When the item was declared lost.")
    claimed_returned_date: DateTime | None = field("When the patron said that the item came back.")
    aged_to_lost_delayed_billing: AgedToLostDelayedBilling | None = field(
        "How far the billing of the aged item had come."
    )
    reminders: Reminders | None = field("Reminders that had been sent.")
    for_use_at_location: ForUseAtLocation | None = field(
        "The use of an item that must not leave the library."
    )
    is_dcb: bool | None = field("Whether the item belongs to another library of the consortium.")
    metadata: Metadata | None = field("Who made the loan and who made this change.")


@strawberry.type(description="One change of a loan: when, by whom, and what the loan was after it.")
class LoanHistoryEntry:
    id: strawberry.ID = field("The id of the entry, a UUID.")
    created_date: DateTime | None = field("When it happened.")
    operation: HistoryOperation | None = field("What kind of change it was.")
    loan: LoanSnapshot | None = field("The loan as it was stored after the change: never costs a call.")
    staff: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who did it. Null for what the system did. One call for the staff of all entries.",
        loader="user",
        key="loan.metadata.updatedByUserId",
    )


@strawberry.type(description="A page of what happened to a loan.")
class LoanHistoryConnection(Connection[LoanHistoryEntry]):
    pass
