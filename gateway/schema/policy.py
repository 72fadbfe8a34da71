"""Loan, overdue fine and lost item fee policies, and their root fields."""

import strawberry

from gateway.fields.arguments import condition
from gateway.fields.page import connection
from gateway.fields.record import field
from gateway.fields.root import root
from gateway.schema import filters
from gateway.schema.enums import IntervalId, upstream_text
from gateway.schema.metadata import Metadata
from gateway.schema.page import Connection
from gateway.upstream import cql


@strawberry.type(description="A span of time.")
class Period:
    duration: int | None = field("The number of units.")
    interval_id: IntervalId | None = field("The unit.")
    interval_id_text: str | None = upstream_text("intervalId")


@strawberry.type(description="The rules for the loan period.")
class LoansPolicy:
    profile_id: str | None = field("`Rolling` for a period, `Fixed` for the dates of a schedule.")
    period: Period | None = field("The loan period of a rolling profile.")
    closed_library_due_date_management_id: str | None = field(
        "The treatment of a due date on a closed day, such as `CURRENT_DUE_DATE`."
    )
    existing_requests_period: Period | None = field("The loan period of requested items, in older records.")
    grace_period: Period | None = field("The period after the due date without a fine.")
    opening_time_offset: Period | None = field(
        "The time after opening at which a short loan of the previous evening is due."
    )
    fixed_due_date_schedule_id: strawberry.ID | None = field(
        "The id of the FOLIO schedule: the due dates of a fixed profile, or the latest ones of a "
        "rolling profile."
    )
    item_limit: int | None = field(
        "The maximum number of items that a patron may borrow under this policy at once."
    )
    for_use_at_location: bool | None = field("True if items must not leave the library.")
    hold_shelf_expiry_period_for_use_at_location: Period | None = field(
        "The time on the hold shelf of an item that must not leave the library."
    )


@strawberry.type(description="The rules for renewals.")
class RenewalsPolicy:
    unlimited: bool | None = field("True if the number of renewals is unlimited.")
    number_allowed: float | None = field("The maximum number of renewals, if limited.")
    renew_from_id: str | None = field("The start of the new period: `CURRENT_DUE_DATE` or `SYSTEM_DATE`.")
    different_period: bool | None = field("True if the renewal period differs from the loan period.")
    period: Period | None = field("The renewal period, if different.")
    alternate_fixed_due_date_schedule_id: strawberry.ID | None = field(
        "The id of the FOLIO schedule with the due dates of renewals, if different."
    )


@strawberry.type(description="The effect of a recall on a loan.")
class RecallManagement:
    alternate_grace_period: Period | None = field(
        "The period after the due date without a fine, for recalled items."
    )
    minimum_guaranteed_loan_period: Period | None = field(
        "The minimum period that the borrower may keep the item."
    )
    min_loan_period: Period | None = field("Older form of `minimumGuaranteedLoanPeriod`.")
    recall_return_interval: Period | None = field("The period from the recall to the new due date.")
    allow_recalls_to_extend_overdue_loans: bool | None = field("True if a recall may extend an overdue loan.")
    alternate_recall_return_interval: Period | None = field(
        "The period from the recall to the new due date, for overdue loans."
    )


@strawberry.type(description="The effect of open requests on a loan.")
class WaitingRequestManagement:
    alternate_checkout_loan_period: Period | None = field("The loan period if there are open requests.")
    renew_items_with_request: bool | None = field("True if loans are renewable despite open requests.")
    alternate_renewal_loan_period: Period | None = field("The renewal period if there are open requests.")


@strawberry.type(description="The effects of requests on loans.")
class RequestManagement:
    recalls: RecallManagement | None = field("The effects of recalls.")
    holds: WaitingRequestManagement | None = field("The effects of holds.")
    pages: WaitingRequestManagement | None = field("The effects of pages.")


@strawberry.type(description="The rules for loan periods and renewals.")
class LoanPolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("A description of the policy.")
    loanable: bool | None = field("True if items under this policy can be lent.")
    loans_policy: LoansPolicy | None = field("The rules for the loan period. Null if items cannot be lent.")
    renewable: bool | None = field("True if loans under this policy can be renewed.")
    renewals_policy: RenewalsPolicy | None = field("The rules for renewals. Null if loans cannot be renewed.")
    request_management: RequestManagement | None = field("The effects of requests on the loan.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="An amount charged per unit of time.")
class FineQuantity:
    quantity: float | None = field("The amount, in the library's currency.")
    interval_id: str | None = field("The unit of time: `minute`, `hour`, `day`, `week`, `month` or `year`.")


@strawberry.type(description="One reminder with its date and fee.")
class ReminderScheduleEntry:
    interval: int | None = field("The number of units after the due date or the previous reminder.")
    time_unit_id: str | None = field("The unit: `hour`, `day`, `week`, `month` or `year`.")
    reminder_fee: float | None = field("The fee for the reminder.")
    notice_format: str | None = field("The format of the notice: `Email`, or a newer value.")
    notice_method_id: str | None = field("Older form of `noticeFormat`.")
    notice_template_id: strawberry.ID | None = field("The id of the FOLIO notice template.")
    block_template_id: strawberry.ID | None = field(
        "The id of the FOLIO manual block template applied to the patron."
    )


@strawberry.type(description="Reminders with fees, instead of accumulating fines.")
class ReminderFeesPolicy:
    count_closed: bool | None = field("True if closed days count.")
    ignore_grace_period_recall: bool | None = field("True if recalled items have no grace period.")
    ignore_grace_period_holds: bool | None = field("True if items with holds have no grace period.")
    allow_renewal_of_items_with_reminder_fees: bool | None = field(
        "True if loans with reminders can be renewed."
    )
    clear_patron_block_when_paid: bool | None = field("True if payment removes the block.")
    reminder_schedule: list[ReminderScheduleEntry | None] | None = field("The reminders, in order.")


@strawberry.type(description="The rules for overdue fines.")
class OverdueFinePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("A description of the policy.")
    overdue_fine: FineQuantity | None = field("The fine for an overdue item.")
    count_closed: bool | None = field("True if closed days count.")
    max_overdue_fine: float | None = field("The maximum fine for one overdue item.")
    forgive_overdue_fine: bool | None = field("True if a renewal forgives the fine.")
    overdue_recall_fine: FineQuantity | None = field("The fine for an overdue recalled item.")
    grace_period_recall: bool | None = field("True if recalled items have no grace period.")
    max_overdue_recall_fine: float | None = field("The maximum fine for one recalled item.")
    reminder_fees_policy: ReminderFeesPolicy | None = field("Reminders with fees.")
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="The charge for a lost item.")
class ItemCharge:
    charge_type: str | None = field(
        "`anotherCost` for the fixed amount, `actualCost` for the cost of replacement."
    )
    amount: float | None = field("The amount, if fixed.")


@strawberry.type(description="The rules for lost items: fees, and the time until an item counts as lost.")
class LostItemFeePolicy:
    id: strawberry.ID = field("The id, a UUID.")
    name: str | None = field("The name.")
    description: str | None = field("A description of the policy.")
    item_aged_lost_overdue: Period | None = field("The time overdue until an item counts as lost.")
    patron_billed_after_aged_lost: Period | None = field("The time from then until the patron is billed.")
    recalled_item_aged_lost_overdue: Period | None = field(
        "The time overdue until a recalled item counts as lost."
    )
    patron_billed_after_recalled_item_aged_lost: Period | None = field(
        "The time from then until the patron is billed for a recalled item."
    )
    charge_amount_item: ItemCharge | None = field("The charge for the item.")
    lost_item_processing_fee: float | None = field("The processing fee.")
    charge_amount_item_patron: bool | None = field(
        "True if the processing fee is charged when the patron declares the item lost."
    )
    charge_amount_item_system: bool | None = field(
        "True if the processing fee is charged when the item ages to lost."
    )
    lost_item_charge_fee_fine: Period | None = field(
        "The time until the loan is closed automatically if nothing was charged."
    )
    returned_lost_item_processing_fee: bool | None = field(
        "True if the processing fee is removed when the item is returned."
    )
    replaced_lost_item_processing_fee: bool | None = field(
        "True if the processing fee is removed when the item is replaced."
    )
    replacement_processing_fee: float | None = field("The processing fee for a replacement.")
    replacement_allowed: bool | None = field("True if the patron may replace the item.")
    lost_item_returned: str | None = field(
        "The treatment of overdue fines when the item is returned: `Charge` or `Remove`."
    )
    fees_fines_shall_refunded: Period | None = field(
        "The period after the loss in which fees are refunded when the item is returned."
    )
    metadata: Metadata | None = field("The dates and users of the creation and the last change.")


@strawberry.type(description="A page of loan policies.")
class LoanPolicyConnection(Connection[LoanPolicy]):
    pass


@strawberry.type(description="A page of overdue fine policies.")
class OverdueFinePolicyConnection(Connection[OverdueFinePolicy]):
    pass


@strawberry.type(description="A page of lost item fee policies.")
class LostItemFeePolicyConnection(Connection[LostItemFeePolicy]):
    pass


@strawberry.input(description='Conditions on policies. All must hold. By name: `{ name: ["Two weeks"] }`.')
class PolicyFilter:
    id: list[strawberry.ID] | None = condition("Any of these ids.", "id", filters.ids)
    name: list[str] | None = condition("Any of these names.", "name", filters.exact)


QUERIES = [
    root(
        "loan_policies",
        LoanPolicyConnection,
        connection(
            "A page of loan policies.",
            collection="circulation_storage.loan_policies",
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
    root(
        "overdue_fine_policies",
        OverdueFinePolicyConnection,
        connection(
            "A page of overdue fine policies.",
            collection="fees.overdue_fine_policies",
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
    root(
        "lost_item_fee_policies",
        LostItemFeePolicyConnection,
        connection(
            "A page of lost item fee policies.",
            collection="fees.lost_item_fee_policies",
            filter=PolicyFilter,
            default_sort=[cql.SortKey("name")],
        ),
    ),
]
