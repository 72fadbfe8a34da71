"""DateTime, Date and JSON: all dates of upstream have one form, and inputs are dates with an offset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from graphql import GraphQLError

from gateway.engine.plans.cache import FALLBACKS
from gateway.fields.scalars import (
    all_from_upstream,
    day_from_caller,
    day_from_upstream,
    from_caller,
    from_upstream,
    has_offset,
    upstream_text,
)
from tests.gateway_over import gateway_over, key
from tests.gateway_under_test import Gateway

OUT = {
    "2026-11-21T10:00:00.123Z": "2026-11-21T10:00:00.123Z",
    "2026-11-21T10:00:00.123+00:00": "2026-11-21T10:00:00.123Z",
    "2026-11-21T10:00:00.123+0000": "2026-11-21T10:00:00.123Z",
    "2017-07-29T22:25:37Z": "2017-07-29T22:25:37.000Z",
    "2017-07-29T22:25:37+00:00": "2017-07-29T22:25:37.000Z",
    "2017-07-29T22:25:37+0000": "2017-07-29T22:25:37.000Z",
    "2017-07-29T22:25:37-00:00": "2017-07-29T22:25:37.000Z",
    "2017-07-29T22:25:37.5Z": "2017-07-29T22:25:37.500Z",
    "2025-05-16T09:15:50.6912345+00:00": "2025-05-16T09:15:50.6912345Z",
    "2025-05-16t09:15:50z": "2025-05-16T09:15:50.000Z",
    "2025-05-16 09:15:50Z": "2025-05-16T09:15:50.000Z",
    "2026-12-31T23:59:59.999-05:00": "2027-01-01T04:59:59.999Z",
    "2026-03-01T01:30:00+0530": "2026-02-28T20:00:00.000Z",
    "2024-03-01T00:00:00.000+01:00": "2024-02-29T23:00:00.000Z",
    "0999-12-31T23:00:00+01:00": "0999-12-31T22:00:00.000Z",
    "9999-12-31T23:59:59.999+00:00": "9999-12-31T23:59:59.999Z",
    "2020-01-13T12:34:56.123456+0000": "2020-01-13T12:34:56.123456Z",
    # Without an offset it is UTC, as FOLIO itself reads it.
    "2020-01-13T12:34:56.123456": "2020-01-13T12:34:56.123456Z",
    "2020-01-13T12:34:56.123": "2020-01-13T12:34:56.123Z",
    "2020-01-13T12:34:56": "2020-01-13T12:34:56.000Z",
    "2020-01-13 12:34:56.5": "2020-01-13T12:34:56.500Z",
    "2020-01-13": "2020-01-13T00:00:00.000Z",
    # Java leaves out seconds that are zero.
    "2020-01-13T12:34Z": "2020-01-13T12:34:00.000Z",
    "2020-01-13T12:34": "2020-01-13T12:34:00.000Z",
    "2020-01-13T23:34-01:00": "2020-01-14T00:34:00.000Z",
}


@pytest.mark.parametrize(("sent", "expected"), OUT.items())
def test_all_forms_of_dates_have_one_output(sent: str, expected: str) -> None:
    """For any form of the offset the output is UTC with milliseconds and a `Z`."""
    assert from_upstream(sent) == expected


INVALID_DATES: list[Any] = [
    "",
    "soon",
    "2026-11-21T",
    "2026-11",
    "20261121",
    "2026-11-21T10",
    "2026-11-21T10:00.5Z",
    "2026-11-21T10:60Z",
    "2026-13-45T99:99:99Z",
    "2026-13-21T10:00:00.000Z",
    "2026-11-31T10:00:00.000Z",
    "2025-02-29T10:00:00.000Z",
    "0000-11-21T10:00:00.000Z",
    "2026-11-21T24:00:00.000Z",
    "2026-11-21T10:60:00.000Z",
    "2026-11-21T10:00:60.000+00:00",
    "2026-11-21T24:00:00",
    "2026-02-30",
    "2026-11-21T10:00:00.Z",
    "2026-11-21T10:00:00+25:00",
    "2026-02-30T10:00:00+01:00",
    "0001-01-01T00:00:00+01:00",
    "2026-11-21T10:00:00.123Z\n",
    "٢٠٢٦-11-21T10:00:00.000Z",
    " 2026-11-21T10:00:00Z",
    1763719200,
    True,
    {"date": "2026-11-21T10:00:00Z"},
    ["2026-11-21T10:00:00Z"],
]


@pytest.mark.parametrize("sent", INVALID_DATES, ids=repr)
def test_an_invalid_date_is_an_error(sent: Any) -> None:
    """An invalid date is an error that does not repeat it."""
    with pytest.raises(GraphQLError) as refused:
        from_upstream(sent)

    assert refused.value.message.startswith("DateTime cannot represent ")
    assert "soon" not in refused.value.message


class Invalid:
    """The marker of an invalid date."""

    def __init__(self, error: GraphQLError) -> None:
        assert error.message.startswith("DateTime cannot represent ")


ALIKE = [f"2026-11-{day:02d}T{day % 24:02d}:15:59.007" for day in range(1, 29)]


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "+0000", "+00", "+01:00", "-0530", "z"])
@pytest.mark.parametrize("nulls", [(), (0,), (3, 4, 27), range(28)])
def test_a_column_equals_its_single_dates(zone: str, nulls: Sequence[int]) -> None:
    """A column of dates in one form has the result of each of them, and null if there is none."""
    column = [None if place in nulls else f"{time}{zone}" for place, time in enumerate(ALIKE)]

    expected = [None if each is None else from_upstream(each) for each in column]
    assert all_from_upstream(column, Invalid) == expected
    assert all_from_upstream([None, *column, *OUT], Invalid) == [None, *expected, *OUT.values()]


EXISTING = [
    *(f"2024-{month:02}-{day:02}T00:00:00.000" for month, day in [(2, 29), (4, 30), (12, 31)]),
    *(f"2026-01-31T{time}.999" for time in ("00:00:00", "23:59:59")),
    "0001-01-01T00:00:00.000",
]
MISSING = [
    *(f"2026-{day}T10:11:12.123" for day in ("00-10", "13-10", "99-10", "02-29", "02-30", "04-31", "06-00")),
    *(f"2026-03-04T{time}.123" for time in ("24:00:00", "29:00:00", "99:00:00", "10:60:00", "10:00:60")),
    "2100-02-29T10:11:12.123",
    "0000-03-04T10:11:12.123",
]


@pytest.mark.parametrize("place", [0, 1, 99])
def test_one_date_of_a_column_does_not_exist(place: int) -> None:
    """A date or a time that does not exist is an error in a column too, and costs no other date."""
    zone = "+00:00"
    for time in EXISTING + MISSING:
        column: list[str | None] = [f"{ALIKE[0]}{zone}"] * 100
        column[place] = f"{time}{zone}"

        converted = all_from_upstream([*column], Invalid)

        if time in MISSING:
            assert isinstance(converted[place], Invalid), time
        else:
            assert converted[place] == f"{time}Z"
        converted[place] = f"{ALIKE[0]}Z"
        assert converted == [f"{ALIKE[0]}Z"] * 100


def test_each_day_and_time_of_a_column() -> None:
    """Of all digits of month and day, hour, minute and second, a column accepts just those that exist."""
    numbers = [f"{number:02}" for number in range(100)]
    days = [f"2026-{month}-{day}T10:11:12.123" for month in numbers for day in numbers]
    times = [f"{each}:11:12 10:{each}:12 10:11:{each}".split() for each in numbers]
    existing = 0
    for text in [*days, *(f"2026-11-21T{time}.123" for each in times for time in each)]:
        *_, converted = all_from_upstream([*[f"{ALIKE[0]}Z"] * 5, f"{text}Z"], Invalid)

        try:
            datetime.fromisoformat(text)
        except ValueError:
            assert isinstance(converted, Invalid), text
        else:
            assert converted == f"{text}Z"
            existing += 1
    assert existing == 365 + 24 + 60 + 60


@pytest.mark.parametrize("first", ["", "Z", "+00:00", "+0000"])
def test_a_column_of_many_forms(first: str) -> None:
    """Each date of a column is parsed for its own form."""
    column: list[str | None] = [f"{ALIKE[0]}{first}", *OUT]

    assert all_from_upstream(column, Invalid) == [f"{ALIKE[0]}Z", *OUT.values()]


def test_an_empty_column() -> None:
    """A column without records is empty."""
    assert all_from_upstream([], Invalid) == []


ONE = "2026-11-21T10:00:00.123+00:00"


@pytest.mark.parametrize(
    "column",
    [
        *([ONE, bad, ONE] for bad in INVALID_DATES if isinstance(bad, str)),
        [f"{ONE}\n{ONE}", ""],
        ["", f"{ONE}\n{ONE}"],
        [f"{ONE[:-1]}", f"0\n{ONE}"],
        [f"{ONE[:-1]}\n", ONE],
        [ONE, f"{ONE}\n"],
        [ONE.replace("+00:00", "+00:0\n")],
        [ONE.replace("2026", "２０２６")],  # noqa: RUF001 - digits, but not those of a date
        [ONE.replace("+", "-"), ONE.replace("+00:00", "+25:00")],
        [ONE, 1763719200],
        [None, 1763719200],
    ],
    ids=repr,
)
def test_an_invalid_date_in_a_column(column: list[Any]) -> None:
    """An invalid date is invalid in a column too, also next to texts that would complete it."""
    result = all_from_upstream(column, Invalid)

    alone = [all_from_upstream([each], Invalid)[0] for each in column]
    assert [type(each) for each in result] == [type(each) for each in alone]
    assert [each for each in result if isinstance(each, str)] == [
        each for each in alone if isinstance(each, str)
    ]
    assert any(isinstance(each, Invalid) for each in result)


IN = {
    "2026-11-21T10:00:00Z": "2026-11-21T10:00:00.000Z",
    "2026-11-21T10:00:00.5z": "2026-11-21T10:00:00.500Z",
    "2026-11-21T10:00:00.123456789Z": "2026-11-21T10:00:00.123Z",
    "2026-11-21T10:00:00+02:00": "2026-11-21T08:00:00.000Z",
    "2026-11-21 10:00:00-0330": "2026-11-21T13:30:00.000Z",
}


@pytest.mark.parametrize(("given", "sent"), IN.items())
def test_inputs_are_sent_in_utc(given: str, sent: str) -> None:
    """An input is a date with its offset, and is sent upstream as UTC with milliseconds."""
    assert upstream_text(from_caller(given)) == sent


@pytest.mark.parametrize(
    "given",
    [
        *INVALID_DATES,
        "2026-11-21",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00Z",  # RFC 3339 requires seconds
        "2026-02-30T10:00:00Z",
        "2026-13-01T10:00:00Z",
    ],
    ids=repr,
)
def test_inputs_without_an_offset_are_refused(given: Any) -> None:
    """A local time is rejected, and so is a day that does not exist."""
    with pytest.raises(GraphQLError, match=r"^DateTime must be "):
        from_caller(given)


def test_resolvers_get_dates_in_utc() -> None:
    """Resolvers get a date in UTC."""
    assert from_caller("2026-11-21T10:00:00+02:00") == datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-21T10:00:00Z", True), ("2026-11-21T10:00:00", False), ("", False), (None, False), (5, False)],
)
def test_a_missing_offset_is_detected(text: object, expected: bool) -> None:
    """Polaris omits the offset of its clock, and then its text is no date with an offset."""
    assert has_offset(text) is expected


@pytest.mark.anyio
async def test_an_invalid_date_nulls_only_its_leaf(reader: Gateway) -> None:
    """An invalid date is null with a coded error, and the other fields stay."""
    loan = next(reader.library.open_loans())
    bad = {"id": loan["id"], "dueDate": "tomorrow", "loanDate": "2026-11-21T10:00:00+0000", "renewalCount": 2}
    reader.sandbox.faults.add(kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": [bad]})

    response = await reader.execute(
        "query($id: ID!) { loan(id: $id) { id dueDate loanDate renewalCount } }", {"id": loan["id"]}
    )

    assert response["data"]["loan"] == {
        "id": loan["id"],
        "dueDate": None,
        "loanDate": "2026-11-21T10:00:00.000Z",
        "renewalCount": 2,
    }
    assert [(each["path"], each["extensions"]["code"]) for each in response["errors"]] == [
        (["loan", "dueDate"], "UPSTREAM_BAD_RESPONSE")
    ]
    assert "tomorrow" not in str(response)


@pytest.mark.anyio
async def test_an_invalid_date_needs_no_fallback() -> None:
    """A page with an invalid date is executed by its compiled plan, and only that date is null."""
    loans = [
        {"id": key(number), "loanDate": date, "metadata": {"createdDate": date}}
        for number, date in enumerate(["2026-11-21", "2026-13-45T99:99:99Z", None, "2026-11-21T10:00:00"])
    ]
    before = dict(FALLBACKS.counts)

    async with gateway_over(lambda _: httpx.Response(200, json={"loans": loans})) as gateway:
        response = await gateway.execute("{ loans { nodes { loanDate metadata { createdDate } } } }")

    dates = ["2026-11-21T00:00:00.000Z", None, None, "2026-11-21T10:00:00.000Z"]
    assert response["data"]["loans"]["nodes"] == [
        {"loanDate": date, "metadata": {"createdDate": date}} for date in dates
    ]
    assert [(each["path"], each["extensions"]["code"]) for each in response["errors"]] == [
        (["loans", "nodes", 1, "loanDate"], "UPSTREAM_BAD_RESPONSE"),
        (["loans", "nodes", 1, "metadata", "createdDate"], "UPSTREAM_BAD_RESPONSE"),
    ]
    assert FALLBACKS.counts == before


@pytest.mark.anyio
@pytest.mark.parametrize("given", ["2026-11-21", "2026-11-21T10:00:00", 5, "2026-02-30T00:00:00Z"])
async def test_an_invalid_date_is_bad_input(reader: Gateway, given: object) -> None:
    """It is refused before anything is sent."""
    response = await reader.execute(
        "query($when: DateTime!) { loans(filter: { dueDate: { before: $when } }) { totalCount } }",
        {"when": given},
    )

    assert [each["extensions"]["code"] for each in response["errors"]] == ["BAD_USER_INPUT"]
    assert reader.calls == []


LITERALS = {
    '{ loans(filter: { dueDate: { from: "2026-13-45T99:99:99Z" } }) { totalCount } }': (
        "Argument 'filter.dueDate.from': DateTime must be an existing date and time.",
        [{"line": 1, "column": 36}],
    ),
    'query($when: DateTime = "soon") { loans(filter: { dueDate: { from: $when } }) { totalCount } }': (
        "The default of variable '$when': DateTime must be RFC 3339 with an offset, such as "
        "'2026-11-21T10:00:00Z'.",
        [{"line": 1, "column": 25}],
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("query", LITERALS)
async def test_an_invalid_literal_is_located(reader: Gateway, query: str) -> None:
    """The error names the argument and its location, and nothing is sent."""
    message, locations = LITERALS[query]

    response = await reader.execute(query)

    assert [(each["message"], each["locations"]) for each in response["errors"]] == [(message, locations)]
    assert reader.calls == []


@pytest.mark.anyio
async def test_json_is_passed_on_as_it_is(gateway: Gateway) -> None:
    """Values that a library defines are returned unchanged: objects, lists, numbers and nulls."""
    user = gateway.library.users[str(gateway.summary.user_id)]
    user["customFields"] = {"a": [1, None, {"b": "ü"}], "c": 1.5, "d": False}

    data = await gateway.data("query($id: ID!) { user(id: $id) { customFields meta } }", {"id": user["id"]})

    assert data["user"] == {"customFields": user["customFields"], "meta": user.get("meta")}


NO_DAYS: list[Any] = [
    "",
    "2026-11-31",
    "2025-02-29",
    "0000-01-01",
    "10000-01-01",
    "20261121",
    "2026-W47-6",
    "2026-11-21T00:00:00Z",
    "2026-11-21\n",
    "\u0662\u0660\u0662\u0666-11-21",
    20261121,
    date(2026, 11, 21),
    ["2026-11-21"],
]


@pytest.mark.parametrize("day", ["2026-11-21", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_a_day_stays_as_it_is(day: str) -> None:
    """Days have one form in both directions, and no time zone moves them."""
    assert day_from_upstream(day) == day
    assert day_from_caller(day) == date.fromisoformat(day)


@pytest.mark.parametrize("value", NO_DAYS)
def test_no_other_value_is_a_day(value: Any) -> None:
    """Days that do not exist, other forms and dates with a time are rejected in both directions."""
    with pytest.raises(GraphQLError, match="Date cannot represent a value that is not a day"):
        day_from_upstream(value)
    with pytest.raises(GraphQLError, match="Date must be an existing day, such as '2026-11-21'"):
        day_from_caller(value)
