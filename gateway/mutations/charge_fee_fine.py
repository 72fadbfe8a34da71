"""Charge a patron a fee or fine."""

from functools import partial
from typing import Annotated, cast
from uuid import UUID, uuid5

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.look_up import LookUp, look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation, new_id, now
from gateway.fields.scalars import DateTime, Decimal
from gateway.live.changed_records import Changed, Written, changes_of_accounts, changes_of_loan
from gateway.schema.account import Account
from gateway.schema.fee_fine_action import FeeFineAction
from gateway.schema.fee_fine_settlement import DeskInput
from gateway.schema.refusal import Refusal
from gateway.upstream import cql
from gateway.upstream.record_types import Record
from gateway.upstream.services.fee_fine_actions import FeeFineActions

# The members of the charge in the history; all other fields of the input are members of the account.
OF_THE_CHARGE = ("userName", "servicePointId", "notifyPatron", "comments", "amount")


@strawberry.input(description="The name of a contributor of a work.")
class ContributorInput:
    name: str = strawberry.field(description="The name.")


@strawberry.input(
    description="The input of `chargeFeeFine`. FOLIO keeps the names of type, owner and item in the account "
    "as they are given here, so that the account outlives them."
)
class ChargeFeeFineInput(DeskInput):
    """Omitted: the members that FOLIO sets for charges of its own (policies, `processId`, `itemStatus`,
    `dateCreated`, `dateUpdated`), those that it reads for each response (`holdingsRecordId`, `instanceId`),
    and those that are the same for each new account (`remaining`, `status`, `paymentStatus`).
    """

    user_id: strawberry.ID = strawberry.field(description="The patron.")
    fee_fine_id: strawberry.ID = strawberry.field(
        description="The type of fee or fine, one of `feeFineTypes`."
    )
    fee_fine_type: str = strawberry.field(description="The name of the type.")
    owner_id: strawberry.ID = strawberry.field(description="The owner, one of `feeFineOwners`.")
    fee_fine_owner: str = strawberry.field(description="The name of the owner.")
    amount: Decimal = strawberry.field(description="The amount, greater than zero.")
    comments: str | None = strawberry.field(
        default=None,
        description="Comments for staff and patron, in FOLIO's form `STAFF : ... \\n PATRON : ...`.",
    )
    loan_id: strawberry.ID | None = strawberry.field(default=None, description="The loan charged for.")
    due_date: DateTime | None = strawberry.field(
        default=None, description="The due date of the loan, such as `2026-11-21T10:00:00Z`."
    )
    returned_date: DateTime | None = strawberry.field(
        default=None, description="The date on which the item was returned, such as `2026-11-21T10:00:00Z`."
    )
    item_id: strawberry.ID | None = strawberry.field(default=None, description="The item charged for.")
    title: str | None = strawberry.field(default=None, description="The title of the item.")
    barcode: str | None = strawberry.field(
        default=None, description="The barcode of the item, such as `2000000001`."
    )
    call_number: str | None = strawberry.field(default=None, description="The call number of the item.")
    location: str | None = strawberry.field(default=None, description="The name of the item's location.")
    material_type: str | None = strawberry.field(
        default=None, description="The name of the item's material type."
    )
    material_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="The material type of the item."
    )
    contributors: list[ContributorInput] | None = strawberry.field(
        default=None, description="The contributors of the work."
    )
    id: strawberry.ID | None = strawberry.field(
        default=None, description="A UUID chosen by the client. Defaults to a new one."
    )


def _charge_or_failure(self: "FeeFineCharged") -> FeeFineAction | None:
    """Return the charge in the history. Raises the error of its write."""
    if self.failure is not None:
        raise self.failure
    return cast(FeeFineAction | None, self.charge)


@strawberry.type(description="The patron owes the amount.")
class FeeFineCharged:
    charge: strawberry.Private[Record | None]
    failure: strawberry.Private[errors.GatewayError | None]
    account: Account = strawberry.field(description="The new account.")

    action: FeeFineAction | None = strawberry.field(
        resolver=_charge_or_failure,
        description="The charge in the history of the account, with which FOLIO sends the patron's notice. "
        "Null with an error if only the account could be written; do not repeat the mutation then.",
    )


ChargeFeeFineResult = Annotated[
    FeeFineCharged | Refusal,
    strawberry.union("ChargeFeeFineResult", description="The result of `chargeFeeFine`."),
]


def _changes(written: Written[ChargeFeeFineInput, FeeFineCharged]) -> Changed:
    """Return the changes of the patron's fees and fines, and of the loan, which shows what is owed for it."""
    user_id, loan_id = written.input.user_id, written.input.loan_id
    loan = {"id": loan_id, "userId": user_id, "itemId": written.input.item_id}
    return (*changes_of_accounts(user_id), *(() if loan_id is None else changes_of_loan(loan)))


@mutation(
    "Charge a patron a fee or fine: two writes, as in FOLIO's own front end, for the account and for its "
    "history. Each is sent once, and looked up if its response is lost.",
    changes=_changes,
    calls=["fee_fine_actions.charge_fee_fine", "fee_fine_actions.add_charge"],
)
async def charge_fee_fine(info: Info, input: ChargeFeeFineInput) -> ChargeFeeFineResult:
    amount = float(arguments.check_positive(input.amount, "amount"))  # exact: it has 11 digits at most
    at_desk = body_of(input)
    account = {
        "id": new_id(info),
        **{name: value for name, value in at_desk.items() if name not in OF_THE_CHARGE},
        "amount": amount,
        "remaining": amount,
        "status": {"name": "Open"},
        "paymentStatus": {"name": "Outstanding"},
    }
    fees = begin_mutation(info).fee_fine_actions
    try:
        created = await fees.charge_fee_fine(account)
    except errors.OutcomeUnknown as unknown:
        created = await look_up(info, unknown, partial(_find_account, account))
    charge = {
        "id": str(uuid5(UUID(account["id"]), "charge")),
        "accountId": account["id"],
        "userId": account["userId"],
        "typeAction": account["feeFineType"],
        "amountAction": amount,
        "balance": amount,
        "dateAction": now(info),
        "createdAt": at_desk["servicePointId"],
        "source": at_desk["userName"],
        "notify": at_desk["notifyPatron"],
        "transactionInformation": "",
        "comments": at_desk.get("comments", ""),
    }
    try:
        action = await _add_charge(info, fees, charge)
    except errors.GatewayError as problem:
        info.context.mutations.outcome_unknown |= isinstance(problem, errors.OutcomeUnknown)
        return FeeFineCharged(
            account=cast(Account, created), charge=None, failure=errors.without_frames(problem)
        )
    return FeeFineCharged(account=cast(Account, created), charge=action, failure=None)


async def _add_charge(info: Info, fees: FeeFineActions, charge: Record) -> Record:
    try:
        return await fees.add_charge(charge)
    except errors.OutcomeUnknown as unknown:
        return await look_up(info, unknown, partial(_find_charge, charge))


async def _find_account(account: Record, look_up: LookUp) -> Record | None:
    page = await look_up.upstream.fees.accounts(str(cql.equal("id", account["id"])), limit=1)
    record = page.records[0] if page.records else None
    return look_up.proven("account", record, account, is_new=True)


async def _find_charge(charge: Record, look_up: LookUp) -> Record | None:
    """Return the charge in the history. Its id is derived from that of the account, which is new."""
    page = await look_up.upstream.fees.actions(str(cql.equal("id", charge["id"])), limit=1)
    if not page.records:
        look_up.seen = "The charge is not in the history of the account."
        return None
    return page.records[0] if look_up.has_members("charge", page.records[0], charge) else None
