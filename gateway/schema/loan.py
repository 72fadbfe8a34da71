"""Loans and their root fields."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.fields.link import link
from gateway.fields.page import connection, connection_link
from gateway.fields.record import field
from gateway.fields.root import lookup, root
from gateway.fields.scalars import DateTime
from gateway.loaders.request import IN_QUEUE_ORDER, OPEN_REQUESTS
from gateway.schema.account_search import LATEST_ACCOUNTS_FIRST, AccountFilter, AccountSort
from gateway.schema.circulation_log import CirculationLogConnection, log_of
from gateway.schema.enums import LoanStatusName, upstream_text
from gateway.schema.loan_extras import ForUseAtLocation, Reminders
from gateway.schema.loan_history import LATEST_CHANGE_FIRST, LoanHistoryConnection
from gateway.schema.loan_item import LoanItem
from gateway.schema.loan_search import LoanFilter, LoanSort
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.request_search import RequestFilter, RequestSort
from gateway.schema.service_point import SUMMARY_MEMBERS, embedded_summary
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


# Item members embedded in a loan and in the response to a check-in (mod-circulation's item summary). Not its
# call number and copy number: circulation sends those in force, inventory those of the holdings and item.
EMBEDDED_LOAN_ITEM = {
    "title!": "item.title",
    "barcode": "item.barcode",
    "effectiveCallNumberComponents.callNumber": "item.callNumberComponents.callNumber",
    "effectiveCallNumberComponents.prefix": "item.callNumberComponents.prefix",
    "effectiveCallNumberComponents.suffix": "item.callNumberComponents.suffix",
    "materialType.name!": "item.materialType.name",
    "contributorNames": "item.contributors",
    "holdingsRecordId!": "item.holdingsRecordId",
    "instanceId!": "item.instanceId",
    "effectiveLocation.name!": "item.location.name",
    "status.name!": "item.status.name",
    "status.date": "item.status.date",
    "inTransitDestinationServicePointId": "item.inTransitDestinationServicePointId",
    "inTransitDestinationServicePoint>name!": "item.inTransitDestinationServicePoint.name",
    "instance>hrid!": "item.instanceHrid",
    "enumeration": "item.enumeration",
    "chronology": "item.chronology",
    "volume": "item.volume",
    "displaySummary": "item.displaySummary",
    "accessionNumber": "item.accessionNumber",
}
# mod-circulation sends an accession number since it sends the HRID of the title (CIRC-2273, February 2025).
# Of a state that it does not know, such as `Order closed`, it sends an empty name and no date (ItemStatus).
SENT_WITH_LOAN_ITEM = {"accessionNumber": "item.instanceHrid", "status.date": "item.status.name"}


@strawberry.type(description="The state of a loan.")
class LoanStatus:
    name: LoanStatusName | None = field("`OPEN` or `CLOSED`.")
    name_text: str | None = upstream_text("name")


@strawberry.type(description="The amount owed for a loan.")
class FeesAndFines:
    amount_remaining_to_pay: float | None = field(
        "The amount still owed for all fees and fines of this loan."
    )


@strawberry.type(description="One item lent to one patron.")
class Loan:
    id: strawberry.ID = field("The id, a UUID.")
    borrower: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who has the item. Null if the loan was anonymized. The id, barcode, names and "
        "patron group cost no upstream call.",
        loader="user",
        key="userId",
        embedded={
            "barcode": "borrower.barcode",
            "personal.lastName": "borrower.lastName",
            "personal.firstName": "borrower.firstName",
            "personal.middleName": "borrower.middleName",
            "personal.preferredFirstName": "borrower.preferredFirstName",
            "patronGroup!": "borrower.patronGroup",
        },
    )
    proxy: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The user who borrowed on the borrower's behalf.", loader="user", key="proxyUserId"
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item on loan. Its title, barcode, status and location name cost no upstream call.",
        loader="item",
        key="itemId",
        embedded=EMBEDDED_LOAN_ITEM,
        sent_with=SENT_WITH_LOAN_ITEM,
    )
    loan_item: LoanItem | None = field(
        "The item as embedded in the loan. Never costs an upstream call, and exists for items of "
        "other libraries that are unknown to the local inventory.",
        key="item",
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item.",
        loader="instance",
        key="item.instanceId",
        embedded={"title!": "item.title", "hrid!": "item.instanceHrid"},
    )
    loan_policy: LoanPolicy | None = link(
        "The policy for the loan period and renewals. Its id and name cost no upstream call.",
        loader="loan_policy",
        key="loanPolicyId",
        embedded={"name!": "loanPolicy.name"},
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The policy for fines. Its id and name cost no upstream call.",
        loader="overdue_fine_policy",
        key="overdueFinePolicyId",
        embedded={"name!": "overdueFinePolicy.name"},
    )
    lost_item_policy: LostItemFeePolicy | None = link(
        "The policy for lost items. Its id and name cost no upstream call.",
        loader="lost_item_fee_policy",
        key="lostItemPolicyId",
        embedded={"name!": "lostItemPolicy.name"},
    )
    item_effective_location_at_check_out: (
        Annotated["Location", strawberry.lazy("gateway.schema.location")] | None
    ) = link(
        "The item's location at the time of the check-out.",
        loader="location",
        key="itemEffectiveLocationIdAtCheckOut",
    )
    status: LoanStatus | None = field("The state of the loan.")
    loan_date: DateTime | None = field("The date the item was lent.")
    due_date: DateTime | None = field("The date the item is due back.")
    return_date: DateTime | None = field("The date the item counts as returned; staff may backdate it.")
    system_return_date: DateTime | None = field("The date the check-in was recorded.")
    action: str | None = field(
        "The last action on the loan: `checkedout`, `renewed`, `checkedin`, `declaredLost` and "
        "more; newer versions of FOLIO add values."
    )
    action_comment: str | None = field("The staff comment on the last action.")
    renewal_count: int | None = field("The number of renewals.")
    due_date_changed_by_recall: bool | None = field("True if a recall moved the due date forward.")
    due_date_changed_by_near_expire_user: bool | None = field(
        "True if the due date was shortened because the patron's account expires."
    )
    due_date_changed_by_hold: bool | None = field("True if a hold moved the due date forward.")
    checkout_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point of the check-out. All fields of its summary cost no upstream call.",
        loader="service_point",
        key="checkoutServicePointId",
        embedded=embedded_summary("checkoutServicePoint", SUMMARY_MEMBERS),
    )
    checkin_service_point: (
        Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None
    ) = link(
        "The service point of the check-in. Null while the loan is open.",
        loader="service_point",
        key="checkinServicePointId",
        embedded=embedded_summary("checkinServicePoint", SUMMARY_MEMBERS),
    )
    patron_group_at_checkout: PatronGroup | None = link(
        "The borrower's patron group at the time of the check-out. Its id and name cost no upstream call.",
        loader="patron_group",
        key="patronGroupAtCheckout.id",
        embedded={"group!": "patronGroupAtCheckout.name"},
    )
    fees_and_fines: FeesAndFines | None = field("The amount owed for this loan.")
    declared_lost_date: DateTime | None = field("The date the item was declared lost.")
    claimed_returned_date: DateTime | None = field(
        "The date the patron claimed to have returned the item.", dropped_by="bff"
    )
    for_use_at_location: ForUseAtLocation | None = field(
        "The use of an item inside the library. Null for other loans.", dropped_by="bff"
    )
    reminders: Reminders | None = field(
        "Reminders already sent, each with its fee. Null if there are none.", dropped_by="bff"
    )
    is_dcb: bool | None = field("True if the item belongs to another library of the consortium.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")
    accounts: Annotated["AccountConnection", strawberry.lazy("gateway.schema.account")] | None = (
        connection_link(
            "The fees and fines for this loan, including closed ones.",
            loader="accounts_of_loan",
            filter=AccountFilter,
            sort=AccountSort,
            default_sort=LATEST_ACCOUNTS_FIRST,
        )
    )
    history: LoanHistoryConnection | None = connection_link(
        "The changes of the loan, latest first.",
        loader="history_of_loan",
        default_sort=LATEST_CHANGE_FIRST,
    )
    circulation_log: CirculationLogConnection | None = log_of(
        "The circulation log of the loan, latest first, with its fees and notices. One upstream call per "
        "loan.",
        loader="log_of_id",
        key="id",
    )
    open_requests: Annotated["RequestConnection", strawberry.lazy("gateway.schema.request")] | None = (
        connection_link(
            "The open requests for this item.",
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
    root(
        "loan",
        Loan,
        lookup("One loan. Null if it does not exist.", id=("loan", strawberry.ID, "The id, a UUID.")),
    ),
    root(
        "loans",
        LoanConnection,
        connection(
            "A page of loans. Try `{ loans(first: 3) { totalCount nodes { dueDate borrower { barcode } "
            "item { title } } } }`.",
            collection="circulation_bff.loans",
            direct="circulation.loans",
            filter=LoanFilter,
            sort=LoanSort,
            default_sort=[cql.SortKey("loanDate", descending=True)],
        ),
    ),
]
