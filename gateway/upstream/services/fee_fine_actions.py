"""Charges of fees and fines, the actions that settle them, and the checks before those (mod-feesfines)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.upstream.caller import Service, keys_in
from gateway.upstream.record_types import Record
from gateway.upstream.routes import Route
from gateway.upstream.services.fees import FEES_FINES
from gateway.upstream.statuses import Write

NOT_ALLOWED = frozenset({422})  # the response of a check that denies an action has a body like the others
ACTED_ON = {"accountId": str}  # the members that prove that an action was performed
ALL_ACTED_ON = {"accountIds": list}
VERIFY = (
    "account(id:) { remaining paymentStatus { name } "
    "actions { nodes { typeAction amountAction dateAction source } } }"
)
VERIFY_ALL = (
    "accounts(filter: { id: }) { nodes { id remaining paymentStatus { name } "
    "actions { nodes { typeAction amountAction dateAction source } } } }"
)


def _check(path: str, permission: str) -> Route:
    return Route("POST", path, FEES_FINES, f"feesfines.{permission}.post", reads=True)


def _action(path: str, permission: str) -> Route:
    return Route("POST", path, FEES_FINES, f"feesfines.{permission}.post")


class FeeFineActions(Service):
    """The actions of the interface of mod-feesfines. Amounts are texts of decimals.

    A write raises `Refused` with the library's reason, `NotFound` for an account that does not exist, and
    `OutcomeUnknown` without a conclusive response. All are sent once (mod-feesfines, AccountsAPI,
    AccountsBulkAPI and ActionService).
    """

    charge_fee_fine_route = Route("POST", "/accounts", FEES_FINES, "accounts.item.post")

    async def charge_fee_fine(self, account: Record) -> Record:
        """Create an account. An id that exists is refused (AccountsAPI, PgUtil.post)."""
        write = Write(
            operation="chargeFeeFine",
            keys=keys_in(account, "id", "userId"),
            verify="account(id:) { amount remaining actions { nodes { typeAction amountAction } } }",
        )
        return await self._client.write_for_record(write, self.charge_fee_fine_route, account)

    add_charge_route = Route("POST", "/feefineactions", FEES_FINES, "feefineactions.item.post")

    async def add_charge(self, action: Record) -> Record:
        """Add the charge to the history of a new account, which upstream does not do for a manual one.

        It sends the patron's notice (FeeFineActionsAPI). An id that exists is refused.
        """
        write = Write(
            operation="chargeFeeFine",
            keys={"id": action["accountId"], **keys_in(action, "userId")},
            verify="account(id:) { amount remaining actions { nodes { typeAction amountAction } } }",
        )
        return await self._client.write_for_record(write, self.add_charge_route, action)

    check_pay_route = _check("/accounts/{accountId}/check-pay", "accounts.check-pay")

    async def check_pay(self, account_id: str, amount: str) -> Record | None:
        """Return if an amount may be paid, and what would remain. None if the account does not exist."""
        return await self._check(self.check_pay_route, account_id, amount)

    check_waive_route = _check("/accounts/{accountId}/check-waive", "accounts.check-waive")

    async def check_waive(self, account_id: str, amount: str) -> Record | None:
        """Return if an amount may be waived, as `check_pay`."""
        return await self._check(self.check_waive_route, account_id, amount)

    check_transfer_route = _check("/accounts/{accountId}/check-transfer", "accounts.check-transfer")

    async def check_transfer(self, account_id: str, amount: str) -> Record | None:
        """Return if an amount may be transferred, as `check_pay`."""
        return await self._check(self.check_transfer_route, account_id, amount)

    check_refund_route = _check("/accounts/{accountId}/check-refund", "accounts.check-refund")

    async def check_refund(self, account_id: str, amount: str) -> Record | None:
        """Return if an amount may be refunded, as `check_pay`; what would remain could still be refunded."""
        return await self._check(self.check_refund_route, account_id, amount)

    check_pay_all_route = _check("/accounts-bulk/check-pay", "accounts-bulk.check-pay")

    async def check_pay_all(self, account_ids: list[str], amount: str) -> Record | None:
        """Return if an amount may be paid in total. None if one of the accounts does not exist."""
        return await self._check_all(self.check_pay_all_route, account_ids, amount)

    check_waive_all_route = _check("/accounts-bulk/check-waive", "accounts-bulk.check-waive")

    async def check_waive_all(self, account_ids: list[str], amount: str) -> Record | None:
        """Return if an amount may be waived in total, as `check_pay_all`."""
        return await self._check_all(self.check_waive_all_route, account_ids, amount)

    check_transfer_all_route = _check("/accounts-bulk/check-transfer", "accounts-bulk.check-transfer")

    async def check_transfer_all(self, account_ids: list[str], amount: str) -> Record | None:
        """Return if an amount may be transferred in total, as `check_pay_all`."""
        return await self._check_all(self.check_transfer_all_route, account_ids, amount)

    check_refund_all_route = _check("/accounts-bulk/check-refund", "accounts-bulk.check-refund")

    async def check_refund_all(self, account_ids: list[str], amount: str) -> Record | None:
        """Return if an amount may be refunded in total, as `check_pay_all`."""
        return await self._check_all(self.check_refund_all_route, account_ids, amount)

    pay_fee_fine_route = _action("/accounts/{accountId}/pay", "accounts.pay")

    async def pay_fee_fine(self, account_id: str, body: Record) -> Record:
        """Pay an amount."""
        return await self._act("payFeeFine", self.pay_fee_fine_route, account_id, body)

    waive_fee_fine_route = _action("/accounts/{accountId}/waive", "accounts.waive")

    async def waive_fee_fine(self, account_id: str, body: Record) -> Record:
        """Waive an amount."""
        return await self._act("waiveFeeFine", self.waive_fee_fine_route, account_id, body)

    transfer_fee_fine_route = _action("/accounts/{accountId}/transfer", "accounts.transfer")

    async def transfer_fee_fine(self, account_id: str, body: Record) -> Record:
        """Transfer an amount."""
        return await self._act("transferFeeFine", self.transfer_fee_fine_route, account_id, body)

    refund_fee_fine_route = _action("/accounts/{accountId}/refund", "accounts.refund")

    async def refund_fee_fine(self, account_id: str, body: Record) -> Record:
        """Refund an amount that was paid or transferred (RefundActionService)."""
        return await self._act("refundFeeFine", self.refund_fee_fine_route, account_id, body)

    cancel_fee_fine_route = _action("/accounts/{accountId}/cancel", "accounts.cancel")

    async def cancel_fee_fine(self, account_id: str, body: Record) -> Record:
        """Cancel an account (CancelActionService)."""
        return await self._act("cancelFeeFine", self.cancel_fee_fine_route, account_id, body)

    pay_fee_fines_route = _action("/accounts-bulk/pay", "accounts-bulk.pay")

    async def pay_fee_fines(self, body: Record) -> Record:
        """Pay an amount, which upstream splits among accounts (SplitEvenlyRecursively)."""
        return await self._act_on_all("payFeeFines", self.pay_fee_fines_route, body)

    waive_fee_fines_route = _action("/accounts-bulk/waive", "accounts-bulk.waive")

    async def waive_fee_fines(self, body: Record) -> Record:
        """Waive an amount, split as that of `pay_fee_fines`."""
        return await self._act_on_all("waiveFeeFines", self.waive_fee_fines_route, body)

    transfer_fee_fines_route = _action("/accounts-bulk/transfer", "accounts-bulk.transfer")

    async def transfer_fee_fines(self, body: Record) -> Record:
        """Transfer an amount, split as that of `pay_fee_fines`."""
        return await self._act_on_all("transferFeeFines", self.transfer_fee_fines_route, body)

    refund_fee_fines_route = _action("/accounts-bulk/refund", "accounts-bulk.refund")

    async def refund_fee_fines(self, body: Record) -> Record:
        """Refund an amount, split among accounts (RefundActionService)."""
        return await self._act_on_all("refundFeeFines", self.refund_fee_fines_route, body)

    cancel_fee_fines_route = _action("/accounts-bulk/cancel", "accounts-bulk.cancel")

    async def cancel_fee_fines(self, body: Record) -> Record:
        """Cancel accounts (CancelActionService)."""
        return await self._act_on_all("cancelFeeFines", self.cancel_fee_fines_route, body)

    async def _check(self, route: Route, account_id: str, amount: str) -> Record | None:
        return await self._client.read_by_post(route, {"amount": amount}, account_id, expected=NOT_ALLOWED)

    async def _check_all(self, route: Route, account_ids: Sequence[str], amount: str) -> Record | None:
        body = {"accountIds": account_ids, "amount": amount}
        return await self._client.read_by_post(route, body, expected=NOT_ALLOWED)

    async def _act(self, operation: str, route: Route, account_id: str, body: Record) -> Record:
        write = Write(operation=operation, keys={"accountId": account_id}, verify=VERIFY)
        return await self._client.write_for_record(write, route, body, account_id, proof=ACTED_ON)

    async def _act_on_all(self, operation: str, route: Route, body: Record) -> Record:
        keys = {"accountIds": ", ".join(body["accountIds"])}
        write = Write(operation=operation, keys=keys, verify=VERIFY_ALL)
        return await self._client.write_for_record(write, route, body, proof=ALL_ACTED_ON)
