"""Renewal of several loans: order, one write each, refusals, and unknown outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox.collections.circulation_rules import find_loan_policy
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.mutation_cases import key
from tests.mutations.seeded import state
from tests.mutations.unclear_responses import fault_name

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON

DOCUMENT = """mutation($input: RenewManyInput!) { renewMany(input: $input) { __typename
    ... on LoansRenewed { renewals {
        __typename
        ... on Renewed { loan { id renewalCount action } }
        ... on Refusal { reasons { code message parameters { key value } overridableBlock { name } } }
    } }
    ... on Refusal { reasons { message } } } }"""
READ, WRITE = "GET /circulation/loans", "POST /circulation/renew-by-id"
MANY = [key(each) for each in range(51)]
LOST: list[Json] = [
    {"kind": "reset"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 409},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "wrong_shape"},
    {"kind": "truncate"},
]


def renewable(gateway: Gateway, number: int) -> list[Json]:
    """Return open loans that nobody waits for and whose policy is renewable, due now."""
    library = gateway.library
    waited_for = {each.get("itemId") for each in library.requests.values()}
    loans = []
    for loan in library.open_loans():
        user, item = library.users.get(loan.get("userId", "")), library.items[loan["itemId"]]
        policy = None if user is None else find_loan_policy(library, user, item)
        plain = item["status"]["name"] == "Checked out" and "reminders" not in loan
        if plain and policy is not None and policy["renewable"] and item["id"] not in waited_for:
            loans.append(loan)
    for loan in loans[:number]:
        loan["dueDate"], loan["renewalCount"] = library.now(), 0
    return loans[:number]


def fail_second(gateway: Gateway, **fault: Json) -> None:
    """Fail the second write before the library processes it; the first is only passed on."""
    path = WRITE.split()[1]
    gateway.sandbox.faults.add(kind="slow", delay=0.0, method="POST", path=path, times=1)
    gateway.sandbox.faults.add(method="POST", path=path, times=1, **fault)


async def renew(gateway: Gateway, ids: list[str], **more: Json) -> Json:
    gateway.sandbox.calls.clear()
    variables = {"input": {"loanIds": ids, **more}}
    return await gateway.execute(DOCUMENT, variables, gateway.as_staff("head"))


def types(response: Json) -> list[str | None]:
    renewals = response["data"]["renewMany"]["renewals"]
    return [None if each is None else each["__typename"] for each in renewals]


def errors(response: Json) -> list[tuple[list[Json], str, str | None]]:
    return [
        (each["path"], each["extensions"]["code"], each["extensions"].get("reason"))
        for each in response.get("errors", [])
    ]


async def test_one_read_and_one_write_each_in_order(gateway: Gateway) -> None:
    """The results are in the order of the ids, which is that of the writes."""
    loans = renewable(gateway, 3)[::-1]
    response = await renew(gateway, [each["id"].upper() for each in loans])

    assert gateway.paths() == [READ, WRITE, WRITE, WRITE]
    assert response == {
        "data": {
            "renewMany": {
                "__typename": "LoansRenewed",
                "renewals": [
                    {
                        "__typename": "Renewed",
                        "loan": {"id": each["id"], "renewalCount": 1, "action": "renewed"},
                    }
                    for each in loans
                ],
            }
        }
    }
    dates = [each["metadata"]["updatedDate"] for each in loans]
    assert dates == sorted(dates)


async def test_refusals_do_not_stop_the_rest(gateway: Gateway) -> None:
    """A refusal is data; a closed and an unknown loan are not sent."""
    first, refused, last = renewable(gateway, 3)
    refused["renewalCount"] = 99
    closed = next(each for each in gateway.library.loans.values() if each["status"]["name"] == "Closed")
    ids = [first["id"], refused["id"], closed["id"], key(1), last["id"]]
    response = await renew(gateway, ids)

    renewals = response["data"]["renewMany"]["renewals"]
    assert types(response) == ["Renewed", "Refusal", "Refusal", None, "Renewed"]
    assert renewals[1]["reasons"][0]["code"] == "LOAN_RENEWAL_LIMIT_REACHED"
    assert renewals[2]["reasons"] == [
        {
            "code": "OTHER",
            "message": "The loan is closed; nothing was sent.",
            "parameters": [{"key": "loanId", "value": closed["id"]}],
            "overridableBlock": None,
        }
    ]
    assert errors(response) == [(["renewMany", "renewals", 3], "NOT_FOUND", None)]
    assert gateway.paths() == [READ, WRITE, WRITE, WRITE]
    assert [each["renewalCount"] for each in (first, refused, last)] == [1, 99, 1]


async def test_overrides_are_sent_with_each(gateway: Gateway) -> None:
    """A block is lifted for every loan, with the comment."""
    loans = renewable(gateway, 2)
    for loan in loans:
        loan["renewalCount"] = 99
    response = await renew(
        gateway,
        [each["id"] for each in loans],
        overrideBlocks={"renewalBlock": True, "comment": "Exhibition"},
    )

    assert types(response) == ["Renewed", "Renewed"]
    assert [(each["action"], each["actionComment"]) for each in loans] == [
        ("renewedThroughOverride", "Exhibition")
    ] * 2


@pytest.mark.parametrize("fault", LOST, ids=fault_name)
async def test_a_lost_response_is_looked_up_and_the_rest_renewed(fault: Json) -> None:
    """The record proves the renewal, so that the next ones are sent, each once."""
    async with open_gateway() as gateway:
        loans = renewable(gateway, 3)
        gateway.sandbox.faults.add(method="POST", path=WRITE.split()[1], after=True, times=1, **fault)
        response = await renew(gateway, [each["id"] for each in loans])

        assert types(response) == ["Renewed"] * 3
        assert response["extensions"] == {"outcome": "confirmed"}
        assert gateway.paths() == [READ, WRITE, READ, WRITE, WRITE]
        assert [each["renewalCount"] for each in loans] == [1, 1, 1]


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("fault", LOST[:-1], ids=fault_name)
async def test_the_rest_is_not_attempted_after_an_unknown_outcome(fault: Json, execution: str) -> None:
    """What was renewed is shown, the unknown one has its keys, and nothing later is sent."""
    async with open_gateway(look_up_timeout=0.2, execution=execution) as gateway:
        loans = renewable(gateway, 4)
        fail_second(gateway, **fault)
        response = await renew(gateway, [each["id"] for each in loans])

        assert types(response) == ["Renewed", None, None, None]
        assert errors(response) == [
            (["renewMany", "renewals", 1], "OUTCOME_UNKNOWN", None),
            (["renewMany", "renewals", 2], "UPSTREAM_UNAVAILABLE", "notAttempted"),
            (["renewMany", "renewals", 3], "UPSTREAM_UNAVAILABLE", "notAttempted"),
        ]
        assert response["errors"][0]["extensions"]["keys"] == {
            "itemId": loans[1]["itemId"],
            "userId": loans[1]["userId"],
        }
        assert gateway.paths() == [READ, WRITE, WRITE, READ]
        assert [each["renewalCount"] for each in loans] == [1, 0, 0, 0]


async def test_a_failed_read_sends_nothing(gateway: Gateway) -> None:
    """Without the loans there is nothing to send, and the error is that of the read."""
    loans = renewable(gateway, 2)
    before = state(gateway)
    gateway.sandbox.faults.add(method="GET", path="/circulation/loans", kind="status", status=500)
    response = await renew(gateway, [each["id"] for each in loans])

    assert response["data"] == {"renewMany": None}
    assert errors(response) == [(["renewMany"], "UPSTREAM_ERROR", None)]
    assert set(gateway.paths()) == {READ}
    assert state(gateway) == before


@pytest.mark.parametrize(
    ("ids", "code", "named"),
    [
        ([], "BAD_USER_INPUT", "`loanIds` must have at least one element"),
        (["../users"], "BAD_USER_INPUT", "`loanIds`"),
        ([key(1), key(1)], "BAD_USER_INPUT", "`loanIds` must contain each loan once"),
        (
            [key(each) for each in range(51)],
            "LIMIT_EXCEEDED",
            "`loanIds` must have at most 50 elements; got 51",
        ),
    ],
)
async def test_bad_input_is_not_sent(gateway: Gateway, ids: list[str], code: str, named: str) -> None:
    """The error names the field, and nothing is sent or changed."""
    before = state(gateway)
    response = await renew(gateway, ids)

    assert errors(response) == [(["renewMany"], code, None)]
    assert named in response["errors"][0]["message"]
    assert gateway.paths() == []
    assert state(gateway) == before


KEY = {"Idempotency-Key": "the-key"}


async def test_a_repetition_looks_up_the_unknown_renewals_alone() -> None:
    """With an idempotency key, the second request sends nothing. What is known of the others stays: a
    refusal, a renewal, although its loan was changed since, and that the last one was not attempted.
    """
    async with open_gateway(look_up_timeout=0.2) as gateway:
        loans = renewable(gateway, 4)
        loans[0]["renewalCount"] = 99
        headers = gateway.as_staff("head") | KEY
        variables = {"input": {"loanIds": [each["id"] for each in loans]}}
        gateway.sandbox.faults.add(kind="slow", delay=0.0, method="POST", path=WRITE.split()[1], times=1)
        fail_second(gateway, kind="reset")
        first = await gateway.execute(DOCUMENT, variables, headers)
        loans[1]["action"] = "dueDateChanged"
        gateway.sandbox.calls.clear()
        again = await gateway.execute(DOCUMENT, variables, headers)
        reads = gateway.paths()
        loans[2] |= {"renewalCount": 1, "action": "renewed"}
        loans[2]["metadata"] = {**loans[2]["metadata"], "updatedDate": gateway.library.now()}
        gateway.sandbox.calls.clear()
        confirmed = await gateway.execute(DOCUMENT, variables, headers)

        assert types(first) == ["Refusal", "Renewed", None, None]
        assert again["data"] == first["data"]
        assert errors(again) == errors(first)
        assert set(reads) == {READ}
        assert [each["renewalCount"] for each in loans] == [99, 1, 1, 0]
        renewed = {"id": loans[2]["id"], "renewalCount": 1, "action": "renewed"}
        kept = confirmed["data"]["renewMany"]["renewals"]
        assert kept[:2] == first["data"]["renewMany"]["renewals"][:2]
        assert kept[2:] == [{"__typename": "Renewed", "loan": renewed}, None]
        assert errors(confirmed) == [
            (["renewMany", "renewals", 3], "UPSTREAM_UNAVAILABLE", "notAttempted"),
        ]
        assert gateway.paths() == [READ, READ]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_a_loan_that_is_not_open_any_more_proves_no_refusal(is_closed: bool) -> None:
    """The first request may have renewed it before it was closed or deleted: its outcome stays unknown."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        (loan,) = renewable(gateway, 1)
        headers = gateway.as_staff("head") | KEY
        variables = {"input": {"loanIds": [loan["id"]]}}
        gateway.sandbox.faults.add(method="POST", path=WRITE.split()[1], kind="reset", after=True)
        gateway.sandbox.faults.add(method="GET", path=READ.split()[1], kind="slow", delay=0.0, times=1)
        gateway.sandbox.faults.add(method="GET", path=READ.split()[1], kind="status", status=500)
        first = await gateway.execute(DOCUMENT, variables, headers)
        gateway.sandbox.faults.clear()
        if is_closed:
            loan["status"] = {"name": "Closed"}
        else:
            del gateway.library.loans[loan["id"]]
        gateway.sandbox.calls.clear()
        again = await gateway.execute(DOCUMENT, variables, headers)

        for response in (first, again):
            assert types(response) == [None]
            assert errors(response) == [(["renewMany", "renewals", 0], "OUTCOME_UNKNOWN", None)]
        seen = again["errors"][0]["extensions"]["seen"]
        assert seen == ("The loan is closed." if is_closed else "The loan does not exist.")
        assert gateway.paths() == [READ]
        assert loan["renewalCount"] == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"loans": [None], "totalRecords": 1}, "something else where a list has a record"),
        ({"loans": [], "totalRecords": 1}, "fewer records than its total says"),
    ],
)
async def test_a_loan_that_upstream_did_not_send_is_not_said_to_be_absent(
    gateway: Gateway, fault: Json, message: str
) -> None:
    """A list that is cut short, or has something else in the place of a loan, is a failed read."""
    (loan,) = renewable(gateway, 1)
    gateway.sandbox.faults.add(method="GET", path=READ.split()[1], kind="wrong_shape", shape=fault)
    response = await renew(gateway, [loan["id"]])

    assert errors(response) == [(["renewMany"], "UPSTREAM_BAD_RESPONSE", None)]
    assert message in response["errors"][0]["message"]
    assert gateway.paths() == [READ]
    assert loan["renewalCount"] == 0
