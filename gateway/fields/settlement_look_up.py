"""Look-up of actions on fees and fines: the actions in the history, and the accounts that they changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.fields.look_up import LookUp
from gateway.upstream import cql
from gateway.upstream.record_types import Record

# The settlement states, which are the kinds of their actions too (mod-feesfines, Action).
PAID = ("Paid partially", "Paid fully")
WAIVED = ("Waived partially", "Waived fully")
TRANSFERRED = ("Transferred partially", "Transferred fully")
REFUNDED = ("Refunded partially", "Refunded fully")
CREDITED = ("Credited partially", "Credited fully")

MAX_ACTIONS = 1000  # on all accounts, latest first
ACTIONS_PER_ACCOUNT = 10  # more than one write adds to an account, for a refund of several transfers too


@dataclass(frozen=True, slots=True)
class Settlement:
    """An action that was sent, on these accounts.

    `states` are the settlement states that it leads to, the kinds of its actions.
    `also` are further kinds of actions that it adds, which have no share of the amount.
    """

    account_ids: Sequence[str]
    body: Record
    states: Sequence[str]
    also: Sequence[str] = ()
    has_one_action: bool = True  # on each account

    async def find(self, look_up: LookUp) -> Record | None:
        """Return what upstream would have responded, if the history and the accounts prove it.

        The actions have to be dated after the sending, with all that was sent, and add up to the amount.
        The accounts have to be written after the sending, with the balances of the actions: upstream adds
        the actions first, and may fail in between (mod-feesfines, ActionService).
        """
        actions = await self._actions(look_up)
        by_account = {
            key: [each for each in actions if str(each.get("accountId")).lower() == key]
            for key in self.account_ids
        }
        if not all(by_account.values()):
            look_up.seen = "No such action was added to the history after this write was sent."
            return None
        counted = [each for each in actions if each.get("typeAction") in self.states]
        is_exact = not self.has_one_action or len(counted) == len(self.account_ids)
        amount = Decimal(self.body["amount"]) if "amount" in self.body else None
        if not is_exact or amount not in (None, sum(_decimal(each, "amountAction") for each in counted)):
            look_up.seen = "The actions that were added after this write was sent have another amount."
            return None
        remaining = None
        for account in await self._accounts(look_up):
            balances = [_decimal(each, "balance") for each in by_account[str(account.get("id")).lower()]]
            remaining = max(balances)  # of a refund the last, of the others the only one
            expected = {"remaining": float(remaining), "paymentStatus.name": frozenset(self.states)}
            if look_up.proven("account", account, expected) is None:
                return None
        if remaining is None:
            return None
        return {
            "accountId": self.account_ids[0],
            "accountIds": list(self.account_ids),
            "amount": None if amount is None else f"{amount:.2f}",
            "remainingAmount": f"{remaining:.2f}",
            "feefineactions": [
                each for key in self.account_ids for each in sorted(by_account[key], key=_order)
            ],
        }

    async def _actions(self, look_up: LookUp) -> list[Record]:
        """Return the actions of this kind that were added after the sending, latest first."""
        clause = cql.any_of("accountId", self.account_ids)
        query = cql.sort_by(clause, [cql.SortKey("dateAction", descending=True)])
        limit = min(MAX_ACTIONS, ACTIONS_PER_ACCOUNT * len(self.account_ids))
        page = await look_up.upstream.fees.actions(query, limit=limit)
        # A refund has the recipient there.
        sent = {"transactionInformation": self.body.get("transactionInfo")} if self.has_one_action else {}
        expected = {
            **sent,
            "typeAction": frozenset((*self.states, *self.also)),
            "source": self.body["userName"],
            "createdAt": self.body["servicePointId"],
            "comments": self.body.get("comments"),
            "paymentMethod": self.body.get("paymentMethod"),
        }
        return [
            each
            for each in page.records
            if look_up.is_after(each.get("dateAction")) and look_up.has_members("action", each, expected)
        ]

    async def _accounts(self, look_up: LookUp) -> list[Record]:
        """Return the accounts; none, unless all of them exist."""
        query = str(cql.any_of("id", self.account_ids))
        page = await look_up.upstream.fees.accounts(query, limit=len(self.account_ids))
        if {str(each.get("id")).lower() for each in page.records} != set(self.account_ids):
            look_up.seen = "The accounts do not exist."
            return []
        return page.records


def _order(action: Record) -> tuple[str, Decimal]:
    """Return the key to sort by: a refund adds credits first, with the lower balance, at the same time."""
    return str(action.get("dateAction")), _decimal(action, "balance")


def _decimal(action: Record, member: str) -> Decimal:
    """Return a number of upstream as its text shows it; -1, which no amount is, for anything else."""
    value = action.get(member)
    return Decimal(repr(value)) if type(value) in (int, float) else Decimal(-1)
