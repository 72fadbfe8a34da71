"""Loans, and the queries that start at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.lookup import lookup
from gateway.fields.page import Connection, connection, connection_link
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.fields.scalars import DateTime
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema.account_search import LATEST_ACCOUNTS_FIRST, AccountFilter, AccountSort
from gateway.schema.enums import LoanStatusName
from gateway.schema.loan_extras import ForUseAtLocation, Reminders
from gateway.schema.loan_history import LATEST_CHANGE_FIRST, LoanHistoryConnection
from gateway.schema.loan_item import LoanItem
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.service_point import SUMMARY_MEMBERS
from gateway.schema.user import PatronGroup
from gateway.upstream import cql

if TYPE_CHECKING:
    from gateway.schema.account import AccountConnection
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.location import Location
    from gateway.schema.request import RequestConnection
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User


# What a loan and the answer to a check-in carry of the item (mod-circulation's item summary). Not its
# call number and copy number: circulation sends those in force, inventory those of the holdings and item.
EMBEDDED_LOAN_ITEM = {
    "title": "item.title",
    "barcode": "item.barcode",
    "effectiveCallNumberComponents.callNumber": "item.callNumberComponents.callNumber",
    "effectiveCallNumberComponents.prefix": "item.callNumberComponents.prefix",
    "effectiveCallNumberComponents.suffix": "item.callNumberComponents.suffix",
    "materialType.name": "item.materialType.name",
    "contributorNames": "item.contributors",
    "holdingsRecordId": "item.holdingsRecordId",
    "instanceId": "item.instanceId",
    "effectiveLocation.name": "item.location.name",
    "status.name": "item.status.name",
    "status.date": "item.status.date",
    "inTransitDestinationServicePointId": "item.inTransitDestinationServicePointId",
    "inTransitDestinationServicePoint>name": "item.inTransitDestinationServicePoint.name",
    "instance>hrid": "item.instanceHrid",
    "enumeration": "item.enumeration",
    "chronology": "item.chronology",
    "volume": "item.volume",
    "displaySummary": "item.displaySummary",
    "accessionNumber": "item.accessionNumber",
}


@strawberry.type(description="Whether a loan is still running.")
class LoanStatus:
    name: LoanStatusName | None = field("`OPEN` or `CLOSED`.")


@strawberry.type(description="What is owed for a loan.")
class FeesAndFines:
    amount_remaining_to_pay: float | None = field("The open sum of all fees and fines of this loan.")


@strawberry.type(description="One item lent to one patron.")
class Loan:
    id: strawberry.ID = field("The id, a UUID.")
    borrower: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who has the item. Null on loans whose borrower the library has forgotten. "
        "Id, barcode, names and patron group cost no upstream call.",
        loader="user",
        key="userId",
        embedded={
            "barcode": "borrower.barcode",
            "personal.lastName": "borrower.lastName",
            "personal.firstName": "borrower.firstName",
            "personal.middleName": "borrower.middleName",
            "personal.preferredFirstName": "borrower.preferredFirstName",
            "patronGroup": "borrower.patronGroup",
        },
    )
    proxy: Annotated[User, strawberry.lazy("gateway.schema.user")] | None = link(
        "Who borrowed in the borrower's name.", loader="user", key="proxyUserId"
    )
    item: Annotated[Item, strawberry.lazy("gateway.schema.item")] | None = link(
        "What was lent. Title, barcode, status and the name of its place cost no upstream call.",
        loader="item",
        key="itemId",
        embedded=EMBEDDED_LOAN_ITEM,
    )
    loan_item: LoanItem | None = field(
        "The item as the loan carries it: never costs an upstream call, and is there for items of other "
        "libraries that the inventory here does not know.",
        key="item",
    )
    instance: Annotated[Instance, strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item.",
        loader="instance",
        key="item.instanceId",
        embedded={"title": "item.title", "hrid": "item.instanceHrid"},
    )
    loan_policy: LoanPolicy | None = link(
        "The rules for the loan period and renewals. Id and name cost no upstream call.",
        loader="loan_policy",
        key="loanPolicyId",
        embedded={"name": "loanPolicy.name"},
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The rules for fines. Id and name cost no upstream call.",
        loader="overdue_fine_policy",
        key="overdueFinePolicyId",
        embedded={"name": "overdueFinePolicy.name"},
    )
    lost_item_policy: LostItemFeePolicy | None = link(
        "The rules for lost items. Id and name cost no upstream call.",
        loader="lost_item_fee_policy",
        key="lostItemPolicyId",
        embedded={"name": "lostItemPolicy.name"},
    )
    item_effective_location_at_check_out: (
        Annotated[Location, strawberry.lazy("gateway.schema.location")] | None
    ) = link(
        "Where the item belonged when it was lent.",
        loader="location",
        key="itemEffectiveLocationIdAtCheckOut",
    )
    status: LoanStatus | None = field("Whether the loan is still running.")
    loan_date: DateTime | None = field("When the item was lent.")
    due_date: DateTime | None = field("When the item is due back.")
    return_date: DateTime | None = field("When the item counts as returned; the desk may date it back.")
    system_return_date: DateTime | None = field("When the check-in was really made.")
    action: str | None = field(
        "What happened to the loan last: `checkedout`, `renewed`, `checkedin`, `declaredLost` and more; "
        "newer versions of FOLIO add to them."
    )
    action_comment: str | None = field("What the staff wrote about the last action.")
    renewal_count: int | None = field("How many times it was renewed.")
    due_date_changed_by_recall: bool | None = field("Whether a recall brought the due date forward.")
    due_date_changed_by_near_expire_user: bool | None = field(
        "Whether the due date was cut because the patron's account ends."
    )
    due_date_changed_by_hold: bool | None = field("Whether a hold brought the due date forward.")
    checkout_service_point: (
        Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "Where the item was lent. Everything of its summary costs no upstream call.",
        loader="service_point",
        key="checkoutServicePointId",
        embedded={name: f"checkoutServicePoint.{name}" for name in SUMMARY_MEMBERS},
    )
    checkin_service_point: Annotated[ServicePoint, strawberry.lazy("gateway.schema.service_point")] | None = (
        link(
            "Where the item came back. Null while the loan is running.",
            loader="service_point",
            key="checkinServicePointId",
            embedded={name: f"checkinServicePoint.{name}" for name in SUMMARY_MEMBERS},
        )
    )
    patron_group_at_checkout: PatronGroup | None = link(
        "The patron group of the borrower when the item was lent. Id and name cost no upstream call.",
        loader="patron_group",
        key="patronGroupAtCheckout.id",
        embedded={"group": "patronGroupAtCheckout.name"},
    )
    fees_and_fines: FeesAndFines | None = field("What is owed for this loan.")
    declared_lost_date: DateTime | None = field("When the item was declared lost.")
    claimed_returned_date: DateTime | None = field(
        "When the patron said that the item came back.", dropped_by="bff"
    )
    for_use_at_location: ForUseAtLocation | None = field(
        "The use of an item that must not leave the library; null for all others.", dropped_by="bff"
    )
    reminders: Reminders | None = field(
        "Reminders that were sent, each with its fee. Null where there were none.", dropped_by="bff"
    )
    is_dcb: bool | None = field("Whether the item belongs to another library of the consortium.")
    metadata: Metadata | None = field("Who made the record and when.")
    accounts: Annotated[AccountConnection, strawberry.lazy("gateway.schema.account")] | None = (
        connection_link(
            "The fees and fines for this loan, closed ones too.",
            loader="accounts_of_loan",
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        )
    )
    history: LoanHistoryConnection | None = connection_link(
        "What happened to the loan, the latest first.",
        loader="history_of_loan",
        default_sort=LATEST_CHANGE_FIRST,
    )
    open_requests: Annotated[RequestConnection, strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The requests that wait for this item.",
            loader="requests_of_item",
            key="itemId",
            within=OPEN_REQUESTS,
            filter=RequestFilter,
            sort=RequestSort,
            default_sort=IN_QUEUE_ORDER,
        )
    )


@strawberry.type(description="A page of loans.")
class LoanConnection(Connection[Loan]):
    pass


QUERIES = [
    root("loan", Loan, lookup("One loan. Null when there is none.", id=("loan", "The id, a UUID."))),
    root(
        "loans",
        LoanConnection,
        connection(
            "Loans, a page at a time. "
            "Try `{ loans(first: 3) { totalCount nodes { dueDate borrower { barcode } item { title } } } }`.",
            ask=lambda upstream: upstream.circulation_bff.loans,
            direct=lambda upstream: upstream.circulation.loans,
            filter=LoanFilter,
            sort=LoanSort,
            default_sort=[cql.SortKey("loanDate", descending=True)],
        ),
    ),
]
