"""Amounts of money as mod-feesfines computes them: decimals of two places, never binary fractions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


class SplitError(Exception):
    """An amount that the splitter cannot distribute to the last cent, which upstream responds to with 500."""


def to_amount(value: object) -> Decimal:
    """Round a number or text to cents (MonetaryValue). Raises ArithmeticError for what is no number."""
    return Decimal(str(value)).quantize(CENT, ROUND_HALF_EVEN)


def split_evenly(amount: Decimal, pieces: int) -> Decimal:
    return (amount / pieces).quantize(CENT, ROUND_FLOOR)


def split_amount(total: Decimal, maxima: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Distribute a total evenly, to none more than its maximum (SplitEvenlyRecursively).

    Keys that get nothing are left out. Raises SplitError if a cent is left.
    """
    parts: dict[str, Decimal] = {}
    if not maxima:
        return parts
    rest, pieces = total, len(maxima)
    even = split_evenly(rest, pieces)
    for key, maximum in sorted(maxima.items(), key=lambda each: each[1]):
        if rest <= 0:
            break
        pieces -= 1
        part = min(even if maximum >= even else maximum, rest)
        rest -= part
        if maximum < even and pieces:
            even = split_evenly(rest, pieces)
        if part > 0:
            parts[key] = part
    for key in parts:
        if rest > 0 and maxima[key] >= parts[key] + CENT:
            parts[key] += CENT
            rest -= CENT
    if sum(parts.values()) != total:
        raise SplitError("Failed to split requested amount correctly")
    return parts
