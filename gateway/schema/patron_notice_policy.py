"""Policies for notices to patrons and their root field."""

import strawberry

from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.schema.policy import Period, PolicyFilter
from gateway.upstream import cql


@strawberry.type(description="The event and the times at which a notice is sent.")
class PatronNoticeSendOptions:
    send_how: str | None = field("The time relative to the event: `Upon At`, `Before` or `After`.")
    send_when: str | None = field("The event, such as `Due date`, `Available` or `Overdue fine returned`.")
    send_by: Period | None = field("The time between the event and the first notice.")
    send_every: Period | None = field("The time between the notices, if they recur.")


@strawberry.type(description="A notice that a policy sends.")
class PatronNotice:
    name: str | None = field("The name.")
    template_id: strawberry.ID | None = field("The id of the FOLIO notice template.")
    template_name: str | None = field("The name of the template.")
    format: str | None = field("The format: `Email`, `SMS` or `Print`.")
    frequency: str | None = field("`One time` or `Recurring`.")
    real_time: bool | None = field("True if it is sent at once, false if it waits and is sent with others.")
    send_options: PatronNoticeSendOptions | None = field("The event and the times.")


@strawberry.type(description="The notices that patrons receive.")
class PatronNoticePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("A description of the policy.")
    active: bool | None = field("False if the library marked the policy as inactive.")
    loan_notices: list[PatronNotice | None] | None = field("Notices on loans.")
    fee_fine_notices: list[PatronNotice | None] | None = field("Notices on fees and fines.")
    request_notices: list[PatronNotice | None] | None = field("Notices on requests.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of policies for notices.")
class PatronNoticePolicyConnection(Connection[PatronNoticePolicy]):
    pass


QUERIES = [
    root(
        "patron_notice_policies",
        PatronNoticePolicyConnection,
        connection(
            "A page of policies for notices to patrons.",
            collection="circulation_storage.patron_notice_policies",
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
