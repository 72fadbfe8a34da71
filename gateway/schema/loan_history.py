"""The history of a loan: a snapshot for every change."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import ItemStatusName, LoanStatusName, member, unknown_member, upstream_text
from gateway.schema.loan_extras import AgedToLostDelayedBilling, ForUseAtLocation, Reminders
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.item import Item
    from gateway.schema.location import Location
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import PatronGroup, User

LATEST_CHANGE_FIRST = (cql.SortKey("createdDate", descending=True),)


@strawberry.enum(description="The type of a change in a history.")
class HistoryOperation(Enum):
    INSERT = member("I", "The record was created.")
    UPDATE = member("U", "The record was changed.")
    DELETE = member("D", "The record was deleted.")
    UNKNOWN = unknown_member()


@strawberry.type(description="The state of a loan after a change.")
class LoanSnapshotStatus:
    name: LoanStatusName | None = field("`OPEN` or `CLOSED`.")
    name_text: str | None = upstream_text("name")


@strawberry.type(description="A loan as stored after a change.")
class LoanSnapshot:
    id: strawberry.ID | None = field("The id of the loan.")
    borrower: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who had the item. Null if the loan was anonymized.", loader="user", key="userId"
    )
    proxy: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who borrowed on the borrower's behalf.", loader="user", key="proxyUserId"
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item on loan, in its current state.", loader="item", key="itemId"
    )
    item_effective_location_at_check_out: (
        Annotated["Location", strawberry.lazy("gateway.schema.location")] | None
    ) = link(
        "The item's location at the time of the check-out.",
        loader="location",
        key="itemEffectiveLocationIdAtCheckOut",
    )
    status: LoanSnapshotStatus | None = field("The state of the loan after the change.")
    loan_date: DateTime | None = field("The date the item was lent.")
    due_date: DateTime | None = field("The date the item was due back.")
    return_date: DateTime | None = field("The date the item counted as returned.")
    system_return_date: DateTime | None = field("The date the check-in was recorded.")
    action: str | None = field("The action: `checkedout`, `renewed`, `checkedin` and more.")
    action_comment: str | None = field("The staff comment on the action.")
    item_status: ItemStatusName | None = field("The state of the item after the change.")
    item_status_text: str | None = upstream_text("itemStatus")
    renewal_count: int | None = field("The number of renewals after the change.")
    loan_policy: LoanPolicy | None = link(
        "The policy for the loan period and renewals.", loader="loan_policy", key="loanPolicyId"
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The policy for fines.", loader="overdue_fine_policy", key="overdueFinePolicyId"
    )
    lost_item_policy: LostItemFeePolicy | None = link(
        "The policy for lost items.", loader="lost_item_fee_policy", key="lostItemPolicyId"
    )
    checkout_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link("The service point of the check-out.", loader="service_point", key="checkoutServicePointId")
    checkin_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link("The service point of the check-in.", loader="service_point", key="checkinServicePointId")
    patron_group_at_checkout: Annotated["PatronGroup", strawberry.lazy("gateway.schema.user")] | None = link(
        "The borrower's patron group at the time of the check-out.",
        loader="patron_group",
        key="patronGroupIdAtCheckout",
    )
    due_date_changed_by_recall: bool | None = field("True if a recall had moved the due date forward.")
    due_date_changed_by_near_expire_user: bool | None = field(
        "True if the due date had been shortened because the patron's account expires."
    )
    due_date_changed_by_hold: bool | None = field("True if a hold had moved the due date forward.")
    declared_lost_date: DateTime | None = field("The date the item was declared lost.")
    claimed_returned_date: DateTime | None = field("The date the patron claimed to have returned the item.")
    aged_to_lost_delayed_billing: AgedToLostDelayedBilling | None = field(
        "The billing of an item that aged to lost, after the change."
    )
    reminders: Reminders | None = field("Reminders sent so far, each with its fee.")
    for_use_at_location: ForUseAtLocation | None = field(
        "The use of an item that must not leave the library."
    )
    is_dcb: bool | None = field("True if the item belongs to another library of the consortium.")
    metadata: Metadata | None = field("The users and dates of the loan's creation and of this change.")


@strawberry.type(description="One change of a loan, with the loan as stored after it.")
class LoanHistoryEntry:
    id: strawberry.ID = field("The id of the entry, a UUID.")
    created_date: DateTime | None = field("The date of the change.")
    operation: HistoryOperation | None = field("The type of the change.")
    operation_text: str | None = upstream_text("operation")
    loan: LoanSnapshot | None = field("The loan as stored after the change. Never costs an upstream call.")
    staff: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The staff member who made the change. Null for changes by the system. One call for all entries.",
        loader="user",
        key="loan.metadata.updatedByUserId",
    )


@strawberry.type(description="A page of changes of a loan.")
class LoanHistoryConnection(Connection[LoanHistoryEntry]):
    pass
