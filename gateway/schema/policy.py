"""The policies that loans are made under, and the queries that start at them."""

from __future__ import annotations

import strawberry

from gateway.fields import arguments
from gateway.fields.arguments import condition
from gateway.fields.page import Connection, connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema.enums import IntervalId
from gateway.schema.metadata import Metadata
from gateway.upstream import cql


@strawberry.type(description="A span of time.")
class Period:
    duration: int | None = field("How many of the unit.")
    interval_id: IntervalId | None = field("The unit.")


@strawberry.type(description="For how long items are lent.")
class LoansPolicy:
    profile_id: str | None = field("`Rolling` for a period, `Fixed` for days of a schedule.")
    period: Period | None = field("The loan period of a rolling profile.")
    closed_library_due_date_management_id: str | None = field(
        "What becomes of a due date on a closed day, such as `CURRENT_DUE_DATE`."
    )
    existing_requests_period: Period | None = field(
        "The loan period of items that others wait for, in older records."
    )
    grace_period: Period | None = field("How long after the due date no fine is charged.")
    opening_time_offset: Period | None = field("How long after opening a short loan of last evening is due.")
    fixed_due_date_schedule_id: strawberry.ID | None = field(
        "The due dates of a fixed profile, or the last ones of a rolling one: an id of FOLIO's schedules."
    )
    item_limit: int | None = field("How many items a patron may have under this policy at once.")
    for_use_at_location: bool | None = field("Whether items must not leave the library.")
    hold_shelf_expiry_period_for_use_at_location: Period | None = field(
        "How long an item that must not leave the library is held for the patron to come back."
    )


@strawberry.type(description="How often and for how long loans are renewed.")
class RenewalsPolicy:
    unlimited: bool | None = field("Whether there is no limit to renewals.")
    number_allowed: float | None = field("How many renewals are allowed, unless they are unlimited.")
    renew_from_id: str | None = field("What the new period begins at: `CURRENT_DUE_DATE` or `SYSTEM_DATE`.")
    different_period: bool | None = field("Whether a renewal is for another period than the loan.")
    period: Period | None = field("The period of a renewal, where it is another.")
    alternate_fixed_due_date_schedule_id: strawberry.ID | None = field(
        "The due dates of renewals, where they are others: an id of FOLIO's schedules."
    )


@strawberry.type(description="What a recall does to a loan.")
class RecallManagement:
    alternate_grace_period: Period | None = field(
        "How long after the due date no fine is charged, if recalled."
    )
    minimum_guaranteed_loan_period: Period | None = field("How long a borrower may keep an item in any case.")
    min_loan_period: Period | None = field("As `minimumGuaranteedLoanPeriod`, in older records.")
    recall_return_interval: Period | None = field("How long after a recall the item is due.")
    allow_recalls_to_extend_overdue_loans: bool | None = field(
        "Whether a recall may give an overdue loan a later due date."
    )
    alternate_recall_return_interval: Period | None = field(
        "How long after a recall the item of an overdue loan is due."
    )


@strawberry.type(description="What requests that wait do to a loan.")
class WaitingRequestManagement:
    alternate_checkout_loan_period: Period | None = field("The loan period where requests wait.")
    renew_items_with_request: bool | None = field("Whether loans are renewed although requests wait.")
    alternate_renewal_loan_period: Period | None = field("The period of a renewal where requests wait.")


@strawberry.type(description="What requests do to loans.")
class RequestManagement:
    recalls: RecallManagement | None = field("What recalls do.")
    holds: WaitingRequestManagement | None = field("What holds do.")
    pages: WaitingRequestManagement | None = field("What pages do.")


@strawberry.type(description="How long items are lent, and how they may be renewed.")
class LoanPolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    loanable: bool | None = field("Whether items under this policy can be lent at all.")
    loans_policy: LoansPolicy | None = field("For how long. Null where nothing can be lent.")
    renewable: bool | None = field("Whether loans under this policy can be renewed.")
    renewals_policy: RenewalsPolicy | None = field("How renewals go. Null where nothing can be renewed.")
    request_management: RequestManagement | None = field("What requests do to the loan.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="What is charged per span of time.")
class FineQuantity:
    quantity: float | None = field("How much, in the library's currency.")
    interval_id: str | None = field("For each `minute`, `hour`, `day`, `week`, `month` or `year`.")


@strawberry.type(description="One reminder: when it is sent, and what it costs.")
class ReminderScheduleEntry:
    interval: int | None = field("How many of the unit after the due date, or after the reminder before.")
    time_unit_id: str | None = field("The unit: `hour`, `day`, `week`, `month` or `year`.")
    reminder_fee: float | None = field("What it costs.")
    notice_format: str | None = field("How it is sent: `Email` or newer.")
    notice_method_id: str | None = field("As `noticeFormat`, in older records.")
    notice_template_id: strawberry.ID | None = field("What it says: an id of FOLIO's notice templates.")
    block_template_id: strawberry.ID | None = field(
        "The block that it puts on the patron: an id of FOLIO's manual block templates."
    )


@strawberry.type(description="Reminders in place of fines that grow by the day.")
class ReminderFeesPolicy:
    count_closed: bool | None = field("Whether closed days count.")
    ignore_grace_period_recall: bool | None = field("Whether there is no grace for recalled items.")
    ignore_grace_period_holds: bool | None = field("Whether there is no grace for items with holds.")
    allow_renewal_of_items_with_reminder_fees: bool | None = field(
        "Whether a loan with reminders can be renewed."
    )
    clear_patron_block_when_paid: bool | None = field("Whether paying lifts the block.")
    reminder_schedule: list[ReminderScheduleEntry | None] | None = field("The reminders, in order.")


@strawberry.type(description="What overdue items cost.")
class OverdueFinePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    overdue_fine: FineQuantity | None = field("The fine for an overdue item.")
    count_closed: bool | None = field("Whether closed days count.")
    max_overdue_fine: float | None = field("The most that one overdue item costs.")
    forgive_overdue_fine: bool | None = field("Whether a renewal forgives the fine.")
    overdue_recall_fine: FineQuantity | None = field("The fine for an overdue item that was recalled.")
    grace_period_recall: bool | None = field("Whether the grace period is ignored for recalled items.")
    max_overdue_recall_fine: float | None = field("The most that one recalled item costs.")
    reminder_fees_policy: ReminderFeesPolicy | None = field("Reminders that cost a fee.")
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="What a lost item costs.")
class ItemCharge:
    charge_type: str | None = field("`anotherCost` for the amount, `actualCost` for what replacing it costs.")
    amount: float | None = field("How much, where it is set.")


@strawberry.type(description="What lost items cost, and when an item counts as lost.")
class LostItemFeePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("What the policy is for.")
    item_aged_lost_overdue: Period | None = field("How long overdue until an item counts as lost.")
    patron_billed_after_aged_lost: Period | None = field("How long after that the patron is billed.")
    recalled_item_aged_lost_overdue: Period | None = field(
        "How long overdue until a recalled item counts as lost."
    )
    patron_billed_after_recalled_item_aged_lost: Period | None = field(
        "How long after that the patron is billed for a recalled item."
    )
    charge_amount_item: ItemCharge | None = field("What the item costs.")
    lost_item_processing_fee: float | None = field("What the work costs.")
    charge_amount_item_patron: bool | None = field(
        "Whether the work is charged when the patron declares the item lost."
    )
    charge_amount_item_system: bool | None = field("Whether the work is charged when the item ages to lost.")
    lost_item_charge_fee_fine: Period | None = field(
        "How long after nothing was charged the loan is closed by itself."
    )
    returned_lost_item_processing_fee: bool | None = field(
        "Whether the charge for the work is dropped when the item comes back."
    )
    replaced_lost_item_processing_fee: bool | None = field(
        "Whether the charge for the work is dropped when the item is replaced."
    )
    replacement_processing_fee: float | None = field("What the work for a replacement costs.")
    replacement_allowed: bool | None = field("Whether the patron may replace the item.")
    lost_item_returned: str | None = field(
        "What becomes of overdue fines when the item comes back: `Charge` or `Remove`."
    )
    fees_fines_shall_refunded: Period | None = field(
        "How long after the loss fees are refunded when the item comes back."
    )
    metadata: Metadata | None = field("Who made the record and when.")


@strawberry.type(description="A page of loan policies.")
class LoanPolicyConnection(Connection[LoanPolicy]):
    pass


@strawberry.type(description="A page of overdue fine policies.")
class OverdueFinePolicyConnection(Connection[OverdueFinePolicy]):
    pass


@strawberry.type(description="A page of lost item fee policies.")
class LostItemFeePolicyConnection(Connection[LostItemFeePolicy]):
    pass


@strawberry.input(description='Which policies. All conditions must hold. By name: `{ name: ["Two weeks"] }`.')
class PolicyFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", arguments.ids)
    name: list[str] | None = condition("Any of these names.", "name", arguments.exact)


QUERIES = [
    root(
        "loan_policies",
        LoanPolicyConnection,
        connection(
            "Loan policies, a page at a time.",
            ask=lambda upstream: upstream.policies.loan_policies,
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
    root(
        "overdue_fine_policies",
        OverdueFinePolicyConnection,
        connection(
            "Overdue fine policies, a page at a time.",
            ask=lambda upstream: upstream.policies.overdue_fine_policies,
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
    root(
        "lost_item_fee_policies",
        LostItemFeePolicyConnection,
        connection(
            "Lost item fee policies, a page at a time.",
            ask=lambda upstream: upstream.policies.lost_item_fee_policies,
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
