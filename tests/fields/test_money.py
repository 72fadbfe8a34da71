"""Amounts of money: exact decimals of clients and of upstream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from gateway.fields import money

CENTS = st.integers(min_value=0, max_value=99_999_999_999)


@given(CENTS)
def test_each_amount_of_cents_is_exact(cents: int) -> None:
    """An amount is the same as text, as a decimal, and as the JSON number of an account."""
    text = f"{cents // 100}.{cents % 100:02}"

    amount = money.from_caller(text)

    assert amount == Decimal(cents) / 100
    assert str(amount) == text
    assert Decimal(repr(float(amount))) == amount
    assert money.from_upstream(text) == text


@pytest.mark.parametrize("text", ["0", "7", "7.5", "007.50", "999999999.99"])
def test_forms_of_an_amount(text: str) -> None:
    """Up to nine digits, and up to two more after a point."""
    assert money.from_caller(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "-1",
        "+1",
        "1.",
        ".5",
        "1,50",
        "1.005",
        "1e3",
        "1_0",
        "0x1",
        "NaN",
        "Infinity",
        "1234567890",
        "\u0661",
        "10 USD",
        10,
        1.5,
        True,
        None,
        ["1"],
        {"amount": "1"},
    ],
)
def test_anything_else_of_a_client_is_refused_with_its_value(value: Any) -> None:
    """Numbers, signs, exponents, blanks and a third digit are no amount; the error says what was sent."""
    with pytest.raises(GraphQLError) as refused:
        money.from_caller(value)

    assert refused.value.message.startswith("Decimal must be text of 1 to 9 digits")
    assert refused.value.message.endswith(f"got {value!r}.")


def test_a_long_value_is_cut_in_the_error() -> None:
    """An error is short, whatever was sent."""
    with pytest.raises(GraphQLError) as refused:
        money.from_caller("9" * 10_000)

    assert refused.value.message.endswith("got '" + "9" * 39 + "....")


@pytest.mark.parametrize("text", ["0.00", "-3.20", "12", "10.555"])
def test_an_amount_of_upstream_stays_as_it_is(text: str) -> None:
    """Upstream's own form is not changed."""
    assert money.from_upstream(text) == text


@pytest.mark.parametrize("value", ["", "much", "1e3", 10.5, None, [], "1" * 16])
def test_anything_else_of_upstream_is_an_error(value: Any) -> None:
    """What is no amount is not passed on."""
    with pytest.raises(GraphQLError):
        money.from_upstream(value)
