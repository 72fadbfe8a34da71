"""Parts of loans that circulation sends and the BFF omits from its lists."""

from enum import Enum

import strawberry

from gateway.fields.record import field
from gateway.fields.scalars import DateTime
from gateway.schema.enums import member, unknown_member, upstream_text


@strawberry.enum(description="The state of an item for use inside the library only.")
class AtLocationUseStatus(Enum):
    IN_USE = member("In use", "In use by the patron.")
    HELD = member("Held", "On the hold shelf until the patron comes back.")
    RETURNED = member("Returned", "Returned by the patron.")
    UNKNOWN = unknown_member()


@strawberry.type(description="The use of an item that must not leave the library.")
class ForUseAtLocation:
    status: AtLocationUseStatus | None = field("The state of the item.")
    status_text: str | None = upstream_text("status")
    status_date: DateTime | None = field("The date since which it applies.")
    hold_shelf_expiration_date: DateTime | None = field(
        "The date until which the item is held. Null unless it is held."
    )


@strawberry.type(description="The last billed reminder.")
class ReminderFeeBilled:
    number: int | None = field("The number of the reminder, from 1.")
    date: DateTime | None = field("The date.")


@strawberry.type(description="Reminders sent for a loan, each with its fee.")
class Reminders:
    last_fee_billed: ReminderFeeBilled | None = field("The last billed reminder.")
    renewal_blocked: bool | None = field("True if reminders block renewals of the loan.")


@strawberry.type(description="The billing of an item that aged to lost.")
class AgedToLostDelayedBilling:
    lost_item_has_been_billed: bool | None = field("True if the patron was billed.")
    date_lost_item_should_be_billed: DateTime | None = field("The date the patron will be billed.")
    aged_to_lost_date: DateTime | None = field("The date the item aged to lost.")
