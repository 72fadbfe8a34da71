"""Unknown outcomes: later mutations of the operation are not attempted."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.mutations.conftest import Execute
from tests.mutations.mutation_cases import Json, key

pytestmark = pytest.mark.anyio

THREE = """mutation($input: ChangeDueDateInput!) {
    first: changeDueDate(input: $input) { __typename }
    second: claimItemReturned(input: { loanId: "%s" }) { __typename }
    third: lockObject(input: { objectType: PATRON, objectId: 7 }) { __typename }
}""" % key(1)  # noqa: UP031 - braces all over
GIVEN = {"loanId": key(1), "dueDate": "2026-12-24T23:59:59Z"}


def not_attempted(error: Json) -> Json:
    """Return the path of an error after checking that its mutation was not attempted."""
    extensions = error["extensions"]
    assert error["message"] == (
        "Not attempted, nothing was sent: the outcome of an earlier mutation is unknown."
    )
    assert (extensions["code"], extensions["reason"]) == ("UPSTREAM_UNAVAILABLE", "notAttempted")
    return error["path"]


async def test_later_mutations_are_not_attempted(execute: Execute) -> None:
    """After an unknown outcome the later mutations are not sent, and each has its error."""
    response, upstream_calls = await execute(THREE, GIVEN, httpx.Response(500))

    first, *others = response["errors"]
    assert response["data"] == {"first": None, "second": None, "third": None}
    assert first["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert [not_attempted(each) for each in others] == [["second"], ["third"]]
    assert [each.url.path for each in upstream_calls] == [f"/circulation/loans/{key(1)}/change-due-date"]


async def test_earlier_results_are_kept(execute: Execute) -> None:
    """A mutation before the unclear one keeps its result."""

    def answer_of(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204 if request.url.path.endswith("date") else 502)

    response, upstream_calls = await execute(THREE, GIVEN, answer_of)

    second, third = response["errors"]
    assert response["data"]["first"] == {"__typename": "DueDateChanged"}
    assert second["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert not_attempted(third) == ["third"]
    assert len(upstream_calls) == 2


@pytest.mark.parametrize("status", [422, 401, 403, 404, 429])
async def test_known_outcomes_stop_nothing(execute: Execute, status: int) -> None:
    """After a refusal or an error with a known outcome the later mutations are sent."""
    response, upstream_calls = await execute(THREE, GIVEN, httpx.Response(status))

    reasons = [each["extensions"].get("reason") for each in response.get("errors", [])]
    assert "notAttempted" not in reasons
    assert len(upstream_calls) == 3


async def test_unsent_mutation_stops_nothing(execute: Execute) -> None:
    """After a mutation that was not sent the next one is sent."""

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    response, upstream_calls = await execute(THREE, GIVEN, unreachable)

    assert [each["extensions"]["code"] for each in response["errors"]] == ["UPSTREAM_UNAVAILABLE"] * 3
    assert all("reason" not in each["extensions"] for each in response["errors"])
    assert len(upstream_calls) == 3


async def test_next_operation_is_not_affected() -> None:
    """An unknown outcome affects its own operation only."""
    statuses = iter([500, 204])
    app = create_app(
        Settings(okapi_url="http://folio", look_up_timeout=0),
        transport=lambda limits: httpx.MockTransport(lambda request: httpx.Response(next(statuses))),
    )
    query = "mutation($input: ChangeDueDateInput!) { changeDueDate(input: $input) { __typename } }"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        body = {"query": query, "variables": {"input": GIVEN}}
        sent = [
            (await http.post("/graphql", json=body, headers={"X-Okapi-Tenant": "diku"})).json()
            for _ in range(2)
        ]

    assert sent[0]["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert sent[1] == {"data": {"changeDueDate": {"__typename": "DueDateChanged"}}}
