"""No cent is gained or lost: random charges, settlements, splits and refunds over the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import anyio
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.mutations.test_fee_fines import charge, desk, settle

PAST = {"pay": "Paid", "waive": "Waived", "transfer": "Transferred", "refund": "Refunded"}
SETTLED = {"Paid", "Waived", "Transferred"}
MAX_CENTS = 5_000


@dataclass(frozen=True)
class Step:
    """An action on some of the accounts: by its verb, the numbers of the accounts, and the cents."""

    verb: str
    numbers: tuple[int, ...]
    cents: int


def text_of(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


@st.composite
def plays(draw: st.DrawFn) -> tuple[list[int], list[Step]]:
    """Draw the amounts of some charges, and steps on them."""
    amounts = draw(st.lists(st.integers(1, MAX_CENTS), min_size=1, max_size=4))
    numbers = st.lists(st.integers(0, len(amounts) - 1), min_size=1, unique=True).map(tuple)
    cents = st.one_of(st.integers(1, MAX_CENTS), st.sampled_from([1, 2, *amounts, sum(amounts)]))
    steps = st.builds(Step, st.sampled_from(sorted(PAST)), numbers, cents)
    return amounts, draw(st.lists(steps, min_size=1, max_size=6))


class Ledger:
    """The accounts of a play, as the graph shows them."""

    def __init__(self, gateway: Gateway, ids: list[str]) -> None:
        self.gateway = gateway
        self.ids = ids

    async def read(self) -> Json:
        data = await self.gateway.data(
            """query($ids: [ID!]) { accounts(first: 10, filter: { id: $ids }) {
                amountRemaining
                nodes { id amount remaining status { name } actions(first: 1000) {
                    nodes { typeAction amountAction balance }
                } }
            } }""",
            {"ids": self.ids},
        )
        return data["accounts"]

    def check(self, accounts: Json, charged: list[int]) -> None:
        """Check each account against its history, and the sum against the accounts."""
        total = Decimal()
        amounts = dict(zip(self.ids, charged, strict=True))
        for account in accounts["nodes"]:
            remaining = exact(account["remaining"])
            assert exact(account["amount"]) == Decimal(amounts[account["id"]]) / 100
            settled = sum_of(account, *SETTLED)
            assert remaining == exact(account["amount"]) - settled + sum_of(account, "Refunded")
            assert remaining >= 0
            assert (account["status"]["name"] == "CLOSED") is (remaining == 0)
            total += remaining
        assert exact(accounts["amountRemaining"]) == total


def exact(number: float) -> Decimal:
    """Return a number of the response as the decimal that its text shows: whole cents."""
    amount = Decimal(repr(number))
    assert amount == round(amount, 2)
    return amount


def sum_of(account: Json, *kinds: str) -> Decimal:
    return sum(
        (
            exact(each["amountAction"])
            for each in account["actions"]["nodes"]
            if each["typeAction"].partition(" ")[0] in kinds
        ),
        Decimal(),
    )


async def play(charged: list[int], steps: list[Step]) -> None:
    async with open_gateway(look_up_timeout=0.0) as gateway:
        ids = [await charge(gateway, text_of(cents)) for cents in charged]
        ledger = Ledger(gateway, ids)
        before = await ledger.read()
        ledger.check(before, charged)
        for step in steps:
            chosen = [ids[number] for number in step.numbers]
            check, result = await take(gateway, step, chosen)
            after = await ledger.read()
            ledger.check(after, charged)
            change = exact(after["amountRemaining"]) - exact(before["amountRemaining"])
            amount = Decimal(step.cents) / 100
            if result is None:  # refused, or failed on a split to less than a cent
                assert after == before
            else:
                assert check["allowed"]
                assert Decimal(result["amount"]) == amount
                assert change == (amount if step.verb == "refund" else -amount)
                parts = {"actions": {"nodes": result["actions"]}}
                assert sum_of(parts, PAST[step.verb]) == amount
            before = after


async def take(gateway: Gateway, step: Step, ids: list[str]) -> tuple[Json, Json]:
    """Check a step, then do it. Return the check, and the result, None if nothing was done."""
    several = len(ids) > 1
    target = {"accountIds": ids} if several else {"accountId": ids[0]}
    name = f"fee{'Fines' if several else 'Fine'}ActionCheck"
    argument, kind = ("accountIds", "[ID!]!") if several else ("accountId", "ID!")
    data = await gateway.data(
        f"query($target: {kind}, $amount: Decimal!) {{ {name}(action: {step.verb.upper()}, "
        f"{argument}: $target, amount: $amount) {{ allowed remainingAmount }} }}",
        {"target": target[argument], "amount": text_of(step.cents)},
    )
    response = await gateway.execute(
        settle(step.verb, PAST[step.verb], several=several),
        {"input": desk(gateway, amount=text_of(step.cents), paymentMethod="Cash", **target)},
    )
    (result,) = response["data"].values()
    if result is None:
        (error,) = response["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert several
    elif result["__typename"] == "Refusal":
        assert not data[name]["allowed"]
        result = None
    return data[name], result


@given(plays())
def test_money_is_neither_gained_nor_lost(given_play: tuple[list[int], list[Step]]) -> None:
    """What is owed is what was charged, less what was settled, plus what was refunded, to the cent.

    A check allows what then happens; what is refused changes nothing.
    """
    anyio.run(partial(play, *given_play))
