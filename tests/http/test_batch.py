"""Several operations in one request: off unless the operator turns it on, and within the limits of one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.gateway_under_test import Gateway, open_gateway
from tests.http.desk import Connection, Desk

pytestmark = pytest.mark.anyio

TENANT = {"X-Okapi-Tenant": "diku"}


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk(max_batch=3)


async def batch(desk: Desk, *requests: dict[str, Any]) -> Any:
    response = await desk.request("POST", json=list(requests), headers=TENANT)
    return response.status_code, response.json()


async def ask_all(gateway: Gateway, *queries: str, headers: dict[str, str] | None = None) -> Any:
    requests = [{"query": query} for query in queries]
    response = await gateway.http.post("/graphql", json=requests, headers=headers or TENANT)
    return response.json()


async def test_answers_stand_where_the_requests_do(desk: Desk) -> None:
    """Each operation has its answer in its place, and one that is refused harms no other."""
    status, answers = await batch(
        desk,
        {"query": "query($number: Int!) { tenfold(number: $number) }", "variables": {"number": 2}},
        {"query": "{ nobody }"},
        {"query": "query A { title } query B { tenant }", "operationName": "B"},
    )

    assert status == 200
    assert [answers[0], answers[2]] == [{"data": {"tenfold": 20}}, {"data": {"tenant": "diku"}}]
    assert [error["extensions"]["code"] for error in answers[1]["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_one_request_is_answered_as_ever(desk: Desk) -> None:
    """Where arrays are taken, an object is still answered by an object."""
    assert (await desk.post(query="{ title }")).json() == {"data": {"title": "Title 1"}}


@pytest.mark.parametrize(
    ("number", "message"),
    [(0, "The array has no request."), (4, "The array has more than 3 requests.")],
)
async def test_how_many(desk: Desk, number: int, message: str) -> None:
    """An empty array and one beyond the limit are refused, and nothing is executed."""
    status, answer = await batch(desk, *[{"query": "{ title }"}] * number)

    assert (status, answer["errors"][0]["message"]) == (400, message)
    assert desk.calls == []


async def test_acts_come_one_after_the_other(desk: Desk) -> None:
    """Mutations are done in the order of the array, and what is asked between them is asked between them."""
    desk.gate.set()

    status, answers = await batch(
        desk,
        {"query": 'mutation { checkOut(barcode: "1") }'},
        {"query": '{ title(barcode: "between") }'},
        {"query": 'mutation { checkOut(barcode: "2") }'},
    )

    assert (status, len(answers)) == (200, 3)
    assert desk.calls == ["checkOut 1", "title between", "checkOut 2"]
    assert desk.contexts == 3


async def test_questions_share_their_loaders() -> None:
    """Questions side by side ask upstream together: three loans and their borrowers are two calls."""
    async with open_gateway(batch_max=10) as gateway:
        found = await gateway.data("{ loans(first: 3) { nodes { id borrower { id active } } } }")
        loans = found["loans"]["nodes"]
        gateway.sandbox.calls.clear()

        answers = await ask_all(
            gateway, *(f'{{ loan(id: "{each["id"]}") {{ id borrower {{ id active }} }} }}' for each in loans)
        )

        assert answers == [{"data": {"loan": each}} for each in loans]
        assert gateway.paths() == ["GET /circulation-bff/loans", "GET /users"]


async def test_what_is_asked_behind_an_act_sees_it() -> None:
    """A question behind an act is answered with what the act has changed."""
    item, patron = "2000000001", "1000000001"
    question = f'{{ item(barcode: "{item}") {{ openLoan {{ borrower {{ barcode }} }} }} }}'
    async with open_gateway(batch_max=10) as gateway:
        point = gateway.summary.service_point_id
        act = (
            f'mutation {{ checkOut(input: {{ itemBarcode: "{item}", userBarcode: "{patron}", '
            f'servicePointId: "{point}" }}) {{ __typename }} }}'
        )

        before, done, after = await ask_all(gateway, question, act, question, headers=gateway.as_staff())

    assert before == {"data": {"item": {"openLoan": None}}}
    assert done == {"data": {"checkOut": {"__typename": "CheckedOut"}}}
    assert after == {"data": {"item": {"openLoan": {"borrower": {"barcode": patron}}}}}


async def test_costs_add_up() -> None:
    """Operations that may be asked one by one may be too much together, and then none is executed."""
    question = "{ loans(first: 3) { nodes { borrower { active } } } }"  # two calls
    async with open_gateway(batch_max=10, max_cost=5) as gateway:
        within = await ask_all(gateway, question, question)
        gateway.sandbox.calls.clear()
        beyond = await ask_all(gateway, question, question, question)

        assert [list(each) for each in within] == [["data"], ["data"]]
        (error,) = beyond["errors"]
        assert error["message"] == ("The batch may need 6 upstream calls; at most 5 are allowed (MAX_COST).")
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert (error["extensions"]["estimated"], error["extensions"]["maximum"]) == (6, 5)
        assert gateway.calls == []


async def test_a_batch_is_charged_for_all_its_operations() -> None:
    """The rate limit counts what all operations of a batch may cost."""
    question = "{ loans(first: 3) { nodes { id } } }"  # one call
    async with open_gateway(batch_max=10, rate_limit="4/minute") as gateway:
        assert len(await ask_all(gateway, question, question, question)) == 3
        refused = await ask_all(gateway, question, question)

        assert refused["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_who_hangs_up_stops_all_questions(desk: Desk) -> None:
    """When the client is gone, every question of the batch is given up."""
    raw = b'[{"query":"{ waiting }"},{"query":"{ a: waiting }"}]'
    message = {"type": "http.request", "body": raw}
    task = asyncio.create_task(desk.raw(message, {"type": "http.disconnect"}))
    await desk.started.wait()
    await task

    assert desk.cancelled == ["waiting", "waiting"]


async def test_an_act_is_open_until_the_batch_is_answered(desk: Desk) -> None:
    """A server that stops waits for what stands behind an act as well: the act's answer hangs on it."""
    raw = b'[{"query":"mutation { lend { id } }"},{"query":"{ waiting }"}]'
    connection = Connection(desk, {"type": "http.request", "body": raw})
    task = asyncio.create_task(connection.ask())
    await desk.started.wait()
    assert (desk.calls, desk.endpoint.running_mutations.number) == (["lend"], 1)

    task.cancel()
    await asyncio.sleep(0)
    desk.gate.set()
    await task

    assert connection.json == [{"data": {"lend": {"id": "1"}}}, {"data": {"waiting": "waiting"}}]
    assert desk.endpoint.running_mutations.number == 0
