"""Parts of loans that circulation itself sends and the BFF leaves out of its lists."""

from __future__ import annotations

from enum import Enum

import strawberry

from gateway.fields.enums import member, unknown_member
from gateway.fields.record import field
from gateway.fields.scalars import DateTime


@strawberry.enum(description="Where an item is that may be used in the reading room only.")
class AtLocationUseStatus(Enum):
    IN_USE = member("In use", "The patron has it.")
    HELD = member("Held", "It waits on the hold shelf for the patron to come back.")
    RETURNED = member("Returned", "The patron is done with it.")
    UNKNOWN = unknown_member()


@strawberry.type(description="The use of an item that must not leave the library.")
class ForUseAtLocation:
    status: AtLocationUseStatus | None = field("Where the item is.")
    status_date: DateTime | None = field("Since when.")
    hold_shelf_expiration_date: DateTime | None = field("Until when it is held. Null unless it is held.")


@strawberry.type(description="The reminder that was billed last.")
class ReminderFeeBilled:
    number: int | None = field("Which reminder it was, from 1.")
    date: DateTime | None = field("When.")


@strawberry.type(description="Reminders that were sent for a loan, each with its fee.")
class Reminders:
    last_fee_billed: ReminderFeeBilled | None = field("The reminder that was billed last.")
    renewal_blocked: bool | None = field("Whether reminders keep the loan from being renewed.")


@strawberry.type(description="How far the billing of an item that aged to lost has come.")
class AgedToLostDelayedBilling:
    lost_item_has_been_billed: bool | None = field("Whether the patron was billed.")
    date_lost_item_should_be_billed: DateTime | None = field("When the patron is to be billed.")
    aged_to_lost_date: DateTime | None = field("When the item aged to lost.")
