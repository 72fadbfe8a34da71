"""The split of an amount among accounts, as mod-feesfines computes it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.fees.amounts import SplitError, split_amount, to_amount

CENTS = st.integers(min_value=0, max_value=10_000).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize(
    ("total", "maxima", "parts"),
    [
        ("10", ["10", "10"], ["5.00", "5.00"]),
        ("10", ["3", "10"], ["3", "7.00"]),
        ("0.05", ["1", "1"], ["0.03", "0.02"]),
        ("10", ["1", "2", "20"], ["1", "2", "7.00"]),
        ("1", ["1"], ["1.00"]),
    ],
)
def test_a_split_is_even_within_the_maxima(total: str, maxima: list[str], parts: list[str]) -> None:
    """Each gets the same, but none more than its maximum; cents that are left go to the first."""
    keys = [str(number) for number in range(len(maxima))]

    split = split_amount(Decimal(total), dict(zip(keys, map(Decimal, maxima), strict=True)))

    assert [split[key] for key in keys] == [Decimal(part) for part in parts]


@given(CENTS, st.lists(CENTS, min_size=1, max_size=6))
def test_a_split_has_the_total_or_fails(total: Decimal, maxima: list[Decimal]) -> None:
    """No cent is added or lost, and no maximum exceeded."""
    by_key = {str(number): maximum for number, maximum in enumerate(maxima)}
    try:
        parts = split_amount(total, by_key)
    except SplitError:
        return
    assert sum(parts.values()) == total
    assert all(0 < part <= by_key[key] for key, part in parts.items())


def test_a_cent_for_two_cannot_be_split() -> None:
    """Upstream fails on it, and so does this."""
    with pytest.raises(SplitError):
        split_amount(Decimal("0.01"), {"a": Decimal(1), "b": Decimal(1)})


@pytest.mark.parametrize(("value", "amount"), [("10.005", "10.00"), ("10.015", "10.02"), (0.1, "0.10")])
def test_amounts_are_rounded_to_the_even_cent(value: object, amount: str) -> None:
    """As java.math.RoundingMode.HALF_EVEN does."""
    assert str(to_amount(value)) == amount
