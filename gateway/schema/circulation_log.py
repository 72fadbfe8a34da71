"""The circulation log: what happened to loans, requests, fees, blocks and notices, and its root field."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway import errors
from gateway.context import Context
from gateway.fields.base import Declared, Json, Load, Selected
from gateway.fields.link import link
from gateway.fields.page import ConnectionLink, PageRequest, connection, connection_link
from gateway.fields.record import derived, field
from gateway.fields.root import root
from gateway.fields.scalars import DateTime
from gateway.loaders.pages import Window
from gateway.schema.circulation_log_search import (
    LATEST_RECORDS_FIRST,
    CirculationLogAction,
    CirculationLogFilter,
    CirculationLogObject,
    CirculationLogSort,
)
from gateway.schema.enums import upstream_text
from gateway.schema.page import Connection
from gateway.schema.patron_notice_policy import PatronNoticePolicy

if TYPE_CHECKING:
    from gateway.schema.account import Account
    from gateway.schema.holdings import Holdings
    from gateway.schema.instance import Instance
    from gateway.schema.item import Item
    from gateway.schema.loan import Loan
    from gateway.schema.request import Request
    from gateway.schema.service_point import ServicePoint
    from gateway.schema.user import User

NO_BARCODE = "-"  # mod-audit sends it for records without a patron (Constants.NO_BARCODE)


@strawberry.type(description="An item that a record of the circulation log is about.")
class CirculationLogItem:
    item_barcode: str | None = field(
        "The barcode at the time of the record. Null if the item has none, and for a request for a title."
    )
    item: Annotated["Item", strawberry.lazy("gateway.schema.item")] | None = link(
        "The item. Its id costs no upstream call.", loader="item", key="itemId"
    )
    instance: Annotated["Instance", strawberry.lazy("gateway.schema.instance")] | None = link(
        "The title of the item. Its id costs no upstream call.", loader="instance", key="instanceId"
    )
    holdings: Annotated["Holdings", strawberry.lazy("gateway.schema.holdings")] | None = link(
        "The holdings of the item. Its id costs no upstream call.", loader="holdings", key="holdingId"
    )
    loan: Annotated["Loan", strawberry.lazy("gateway.schema.loan")] | None = link(
        "The loan. Its id costs no upstream call. Null for requests, and for check-ins without a loan.",
        loader="loan",
        key="loanId",
    )


@strawberry.type(description="Settings that a notice to a patron was sent by.")
class CirculationLogNotice:
    template_id: strawberry.ID | None = field(
        "The id of the template. Null unless the record is of a notice."
    )
    notice_policy: PatronNoticePolicy | None = link(
        "The notice policy. Its id costs no upstream call. Null unless it is a record of a notice for a "
        "loan or a request.",
        loader="patron_notice_policy",
        key="noticePolicyId",
    )


@strawberry.type(
    description="A record of the circulation log: one action on a loan, a request, a fee or fine, a block or "
    "a notice. It keeps the texts of its time; links lead to current records."
)
class CirculationLogRecord:
    id: strawberry.ID = field("The id, a UUID.")
    event_id: strawberry.ID | None = field(
        "The id of the event. Null in all records that present versions of FOLIO write."
    )
    date: DateTime | None = field("The date of the record.")
    object: CirculationLogObject | None = field("The kind of object that the action was on.")
    object_text: str | None = upstream_text("object")
    action: CirculationLogAction | None = field("The action.")
    action_text: str | None = upstream_text("action")
    description: str | None = field(
        "Details in FOLIO's words, such as the old and the new due date. In English only."
    )
    source: str | None = field(
        "The name of the staff member, `System` for FOLIO itself. Some records on loans name the one of the "
        "change before."
    )
    user_barcode: str | None = derived(
        "The barcode of the patron at the time of the record. Null if there was no patron or no barcode, "
        "and after the loan was anonymized.",
        lambda record: None if record.get("userBarcode") == NO_BARCODE else record.get("userBarcode"),
        members=("userBarcode",),
    )
    items: list[CirculationLogItem | None] | None = field(
        "The items: none for a block, several for a notice about several. A request for a title has one "
        "without any values."
    )
    service_point: Annotated["ServicePoint", strawberry.lazy("gateway.schema.service_point")] | None = link(
        "The service point of the desk, of a request that of its pickup. Its id costs no upstream call.",
        loader="service_point",
        key="servicePointId",
    )
    user: Annotated["User", strawberry.lazy("gateway.schema.user")] | None = link(
        "The patron. Its id costs no upstream call. Null if there was none, and after the loan was "
        "anonymized.",
        loader="user",
        key="linkToIds.userId",
    )
    request: Annotated["Request", strawberry.lazy("gateway.schema.request")] | None = link(
        "The request. Its id costs no upstream call. Null for records that concern none.",
        loader="request",
        key="linkToIds.requestId",
    )
    account: Annotated["Account", strawberry.lazy("gateway.schema.account")] | None = link(
        "The fee or fine. Its id costs no upstream call. Null for records that concern none.",
        loader="account",
        key="linkToIds.feeFineId",
    )
    notice: CirculationLogNotice | None = field(
        "Settings that a notice was sent by. Without values unless `object` is `NOTICE`.", key="linkToIds"
    )


@strawberry.type(description="A page of the circulation log.")
class CirculationLogConnection(Connection[CirculationLogRecord]):
    pass


class LogOfRecord(ConnectionLink):
    """The log of an item or a loan. Upstream serves it one per call."""

    batched = False


class LogOfUser(ConnectionLink):
    """The log of a user, by the barcode."""

    reads_ids = False

    def load(self, context: Context, request: PageRequest, selected: Selected) -> Load:
        load = super().load(context, request, selected)

        def key(barcode: Json) -> tuple[str, Window]:
            if type(barcode) is not str:
                raise errors.UpstreamBadResponse("An upstream service sent a barcode that is no text.")
            return barcode, request.window

        return load._replace(key=key)


def log_of(description: str, *, loader: str, key: str, kind: type[ConnectionLink] = LogOfRecord) -> Declared:
    """Declare the circulation log of a record, latest first."""
    return connection_link(
        description,
        loader=loader,
        key=key,
        filter=CirculationLogFilter,
        sort=CirculationLogSort,
        default_sort=LATEST_RECORDS_FIRST,
        kind=kind,
    )


QUERIES = [
    root(
        "circulation_log",
        CirculationLogConnection,
        connection(
            "A page of the circulation log, latest first.",
            collection="audit.circulation_log",
            filter=CirculationLogFilter,
            sort=CirculationLogSort,
            default_sort=LATEST_RECORDS_FIRST,
        ),
    ),
]
