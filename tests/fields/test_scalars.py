"""DateTime and JSON: one form out for all that upstream sends, only moments in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from graphql import GraphQLError

from gateway.engine.plans.cache import FALLBACKS
from gateway.fields.scalars import all_from_upstream, from_caller, from_upstream, has_offset, upstream_text
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
}


@pytest.mark.parametrize(("sent", "expected"), OUT.items())
def test_every_form_of_upstream_comes_out_as_one(sent: str, expected: str) -> None:
    """Whatever the offset is written like, the answer is UTC with milliseconds and a `Z`."""
    assert from_upstream(sent) == expected


NO_MOMENTS: list[Any] = [
    "",
    "soon",
    "2026-11-21T",
    "2026-11",
    "20261121",
    "2026-11-21T10:00",
    "2026-11-21T10:00Z",
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


@pytest.mark.parametrize("sent", NO_MOMENTS, ids=repr)
def test_what_is_no_moment_is_refused(sent: Any) -> None:
    """Nonsense is an error that does not repeat it."""
    with pytest.raises(GraphQLError) as refused:
        from_upstream(sent)

    assert refused.value.message.startswith("DateTime cannot represent ")
    assert "soon" not in refused.value.message


class Invalid:
    """The place of a value that is no date."""

    def __init__(self, error: GraphQLError) -> None:
        assert error.message.startswith("DateTime cannot represent ")


ALIKE = [f"2026-11-{day:02d}T{day % 24:02d}:15:59.007" for day in range(1, 29)]


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "+0000", "+00", "+01:00", "-0530", "z"])
@pytest.mark.parametrize("nulls", [(), (0,), (3, 4, 27), range(28)])
def test_many_come_out_as_one_by_one(zone: str, nulls: Sequence[int]) -> None:
    """A column of moments in one form is what each of them is, and null where there is none."""
    column = [None if place in nulls else f"{time}{zone}" for place, time in enumerate(ALIKE)]

    assert all_from_upstream(column, Invalid) == [
        None if each is None else from_upstream(each) for each in column
    ]


@pytest.mark.parametrize("first", ["", "Z", "+00:00", "+0000"])
def test_a_column_of_many_forms(first: str) -> None:
    """Whatever the first is like, each of the others is read for itself."""
    column: list[str | None] = [f"{ALIKE[0]}{first}", *OUT]

    assert all_from_upstream(column, Invalid) == [f"{ALIKE[0]}Z", *OUT.values()]


def test_an_empty_column() -> None:
    """No records have no moments."""
    assert all_from_upstream([], Invalid) == []


ONE = "2026-11-21T10:00:00.123+00:00"


@pytest.mark.parametrize(
    "column",
    [
        *([ONE, bad, ONE] for bad in NO_MOMENTS if isinstance(bad, str)),
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
def test_one_bad_moment_in_a_column(column: list[Any]) -> None:
    """What is no moment by itself is none among others, however the texts meet."""
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
def test_what_callers_give_is_sent_as_the_desks_send_it(given: str, sent: str) -> None:
    """An input is a moment with its offset and goes upstream as UTC with milliseconds."""
    assert upstream_text(from_caller(given)) == sent


@pytest.mark.parametrize(
    "given",
    [*NO_MOMENTS, "2026-11-21", "2026-11-21T10:00:00", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z"],
    ids=repr,
)
def test_inputs_without_an_offset_are_refused(given: Any) -> None:
    """The time on somebody's wall is no moment, nor is a day that does not exist."""
    with pytest.raises(GraphQLError, match=r"^DateTime must be "):
        from_caller(given)


def test_a_moment_keeps_its_offset_until_it_is_sent() -> None:
    """What resolvers get is a moment in UTC."""
    assert from_caller("2026-11-21T10:00:00+02:00") == datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-21T10:00:00Z", True), ("2026-11-21T10:00:00", False), ("", False), (None, False), (5, False)],
)
def test_an_offset_is_seen(text: object, expected: bool) -> None:
    """Polaris leaves out the offset of its clock, and then its text is no moment."""
    assert has_offset(text) is expected


@pytest.mark.anyio
async def test_nonsense_costs_its_leaf_alone(reader: Gateway) -> None:
    """A date that is none is null with a coded error, and the fields beside it stay."""
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
async def test_one_odd_date_costs_no_plan() -> None:
    """A page with an odd date is executed by its compiled plan, and only that date is null."""
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
async def test_an_input_that_is_no_moment_is_bad_input(reader: Gateway, given: object) -> None:
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
    """The error names the argument and where it stands, and nothing is sent."""
    message, locations = LITERALS[query]

    response = await reader.execute(query)

    assert [(each["message"], each["locations"]) for each in response["errors"]] == [(message, locations)]
    assert reader.calls == []


@pytest.mark.anyio
async def test_json_is_passed_on_as_it_is(gateway: Gateway) -> None:
    """What a library defines itself comes out as upstream sent it: objects, lists, numbers and nulls."""
    user = gateway.library.users[str(gateway.summary.user_id)]
    user["customFields"] = {"a": [1, None, {"b": "ü"}], "c": 1.5, "d": False}

    data = await gateway.data("query($id: ID!) { user(id: $id) { customFields meta } }", {"id": user["id"]})

    assert data["user"] == {"customFields": user["customFields"], "meta": user.get("meta")}
