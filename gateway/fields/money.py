"""Amounts of money: exact decimals as text, in the arguments of clients and in responses of upstream."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

_OF_CALLER = re.compile(r"\d{1,9}(?:\.\d{1,2})?", re.ASCII)
_OF_UPSTREAM = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
MAX_SHOWN = 40  # characters of an invalid value in an error


def from_caller(value: Any) -> Decimal:  # Any: JSON that a client sent
    """Parse an amount of a client.

    Upstream computes in cents, whatever the currency, and stores what it was sent: of a third digit it would
    record what it does not subtract (mod-feesfines, MonetaryValue). With nine digits before the point an
    amount is also exact as a JSON number. Raises `GraphQLError` for a number, a sign, an exponent, blanks,
    and more digits.
    """
    if isinstance(value, str) and _OF_CALLER.fullmatch(value):
        return Decimal(value)
    shown = repr(value)
    shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
    raise GraphQLError(
        "Decimal must be text of 1 to 9 digits, and up to 2 more after a point, such as '10.50'; "
        f"got {shown}."
    )


def from_upstream(value: Any) -> str:  # Any: JSON of upstream
    """Return an amount that upstream sends as text, as it is. Raises `GraphQLError` for anything else."""
    if isinstance(value, str) and _OF_UPSTREAM.fullmatch(value):
        return value
    raise GraphQLError("Decimal cannot represent a value that is not a decimal in text.")
