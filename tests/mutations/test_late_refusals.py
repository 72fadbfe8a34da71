"""Refusals that circulation sends after it has written: they are looked up, and not shown as refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.conftest import Execute
from tests.mutations.look_up_cases import LOOK_UP_CASES, LookUpCase, loan_of
from tests.mutations.mutation_cases import key
from tests.mutations.seeded import ITEM, LENT_ITEM, record, service_point

pytestmark = pytest.mark.anyio

Json = Any  # inputs and responses are JSON

NO_LOST_LOAN: Json = {
    "message": "Item is lost however there is no aged to lost nor declared lost loan found",
    "parameters": [{"key": "itemId", "value": key(1)}],
}
NO_FEE_TYPE: Json = {
    "message": "Expected automated fee of type Lost item fee",
    "parameters": [{"key": "feeFineType", "value": "Lost item fee"}],
}
NO_SERVICE_POINT: Json = {
    "message": "must not be null",
    "type": "1",
    "code": "jakarta.validation.constraints.NotNull.message",
    "parameters": [{"key": "servicePointId", "value": "null"}],
}
SAME_POSITION: Json = {
    "message": "Cannot have more than one request with the same position in the queue",
    "itemId": None,
    "position": None,
}
NO_LOAN_ELSEWHERE: Json = {
    "message": "Open loan not found",
    "code": "LOAN_NOT_FOUND",
    "type": "ValidationException",
    "parameters": [{"key": "userId", "value": key(1)}, {"key": "itemId", "value": key(2)}],
}
CLOSED_ACCOUNT: Json = {"accountId": key(1), "errorMessage": "Fee/fine is already closed"}

LATE: dict[str, list[Json]] = {
    "checkIn": [{"errors": [NO_LOST_LOAN]}, CLOSED_ACCOUNT],
    "renew by barcode": [{"errors": [NO_SERVICE_POINT]}, CLOSED_ACCOUNT],
    "renew by id": [{"errors": [NO_SERVICE_POINT]}],
    "declareItemLost": [
        {"errors": [NO_FEE_TYPE]},
        {"errors": [NO_LOAN_ELSEWHERE], "total_records": 1},
        CLOSED_ACCOUNT,
    ],
    "claimItemReturned": [{"errors": [NO_LOAN_ELSEWHERE], "total_records": 1}],
    "cancelRequest": [{"errors": [SAME_POSITION]}],
    "createRequest": [{"errors": [SAME_POSITION]}],
    "createRequest with an id": [{"errors": [SAME_POSITION]}],
    "moveRequest": [{"errors": [SAME_POSITION]}],
}
CASES = [(case, body) for case in LOOK_UP_CASES for body in LATE.get(str(case), [])]
late = pytest.mark.parametrize(("case", "body"), CASES, ids=[f"{case}-{body}"[:60] for case, body in CASES])


@pytest.fixture(name="gateway")
async def _gateway() -> AsyncIterator[Gateway]:
    async with open_gateway() as opened:
        yield opened


def refuse(gateway: Gateway, case: LookUpCase, body: Json, *, after: bool) -> None:
    gateway.sandbox.faults.add(
        kind="status", status=422, body=json.dumps(body), method=case.method, path=case.path, after=after
    )


def writes(gateway: Gateway) -> list[str]:
    return [call for call in gateway.paths() if not call.startswith("GET")]


def test_every_late_refusal_has_its_case() -> None:
    """Each of the mutations is one that the look-ups are tested with."""
    assert {str(case) for case, _ in CASES} == set(LATE)


@late
async def test_write_before_a_late_refusal_is_confirmed(
    gateway: Gateway, case: LookUpCase, body: Json
) -> None:
    """A write that happened before the refusal is a success, proved by its record, and sent once."""
    inputs = case.prepare(gateway)
    refuse(gateway, case, body, after=True)

    response = await gateway.execute(case.short_document, {"input": inputs}, gateway.as_staff("head"))

    assert "errors" not in response
    assert response["data"][case.name]["__typename"] != "Refusal"
    assert response["extensions"] == {"outcome": "confirmed"}
    assert sum(gateway.sandbox.writes.applied.values()) == 1


@late
async def test_late_refusal_without_a_proof_is_an_unknown_outcome(case: LookUpCase, body: Json) -> None:
    """Without a record that proves the write its outcome is unknown: it is no refusal, and no success."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        inputs = case.prepare(gateway)
        refuse(gateway, case, body, after=False)

        response = await gateway.execute(case.short_document, {"input": inputs}, gateway.as_staff("head"))

    (error,) = response["errors"]
    assert response["data"] == {case.name: None}
    assert (error["extensions"]["code"], error["extensions"]["seen"]) == (
        "OUTCOME_UNKNOWN",
        case.seen_in_vain,
    )
    assert len(writes(gateway)) == 1
    assert not gateway.sandbox.writes.applied


@pytest.mark.parametrize("name", ["declareItemLost", "claimItemReturned"])
async def test_missing_loan_is_not_found(gateway: Gateway, name: str) -> None:
    """A loan that does not exist is NOT_FOUND, and nothing is looked up."""
    case = next(case for case in LOOK_UP_CASES if case.name == name)
    inputs = {**case.prepare(gateway), "loanId": key(1)}

    response = await gateway.execute(case.short_document, {"input": inputs}, gateway.as_staff("head"))

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert len(gateway.paths()) == 1


NOT_FOUND_ELSEWHERE: Json = {
    "errors": [{"message": "404 Not Found: [no body]", "type": "integration-error"}],
    "total_records": 1,
}
NO_MEDIATED_REQUEST: Json = {
    "errors": [{"message": f"Mediated request with ID [{key(1)}] was not found", "type": "not-found"}],
    "total_records": 1,
}
CONFIRM = next(case for case in LOOK_UP_CASES if str(case) == "confirmMediatedRequest with an id")


async def test_confirmation_before_a_missing_request_is_confirmed(gateway: Gateway) -> None:
    """The request that a confirmation has created may not be found afterwards: it is looked up."""
    inputs = CONFIRM.prepare(gateway)
    gateway.sandbox.faults.add(
        kind="status", status=404, body=json.dumps(NOT_FOUND_ELSEWHERE), path=CONFIRM.path, after=True
    )

    response = await gateway.execute(CONFIRM.short_document, {"input": inputs}, gateway.as_staff("head"))

    assert "errors" not in response
    assert response["extensions"] == {"outcome": "confirmed"}
    assert sum(gateway.sandbox.writes.applied.values()) == 1


async def test_mediated_request_that_does_not_exist_is_not_found(execute: Execute) -> None:
    """A mediated request that does not exist is NOT_FOUND, and nothing is looked up."""
    inputs = {
        "id": key(1),
        "requesterId": key(2),
        "instanceId": key(3),
        "requestType": "HOLD",
        "requestLevel": "TITLE",
        "fulfillmentPreference": "HOLD_SHELF",
        "requestDate": "2026-11-21T10:00:00Z",
    }

    response, calls = await execute(
        CONFIRM.short_document, inputs, httpx.Response(404, json=NO_MEDIATED_REQUEST)
    )

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert len(calls) == 1


EARLY: list[tuple[str, Json, Json]] = [
    ("declareItemLost", {"loanId": key(1), "servicePointId": key(2)}, [SAME_POSITION]),
    ("claimItemReturned", {"loanId": key(1)}, [{"message": "Loan not found", "code": "LOAN_NOT_FOUND"}]),
    (
        "renew",
        {"itemId": key(1), "userId": key(2)},
        [NO_SERVICE_POINT | {"parameters": [{"key": "userId", "value": "null"}]}],
    ),
    (
        "renew",
        {"itemId": key(1), "userId": key(2)},
        [{"message": "A service point is required", "parameters": NO_SERVICE_POINT["parameters"]}],
    ),
    ("checkIn", {"itemBarcode": "7", "servicePointId": key(2)}, [{"message": "Item is lost"}]),
]


@pytest.mark.parametrize(("name", "inputs", "reasons"), EARLY)
async def test_other_refusals_are_refusals(execute: Execute, name: str, inputs: Json, reasons: Json) -> None:
    """A refusal that no later step sends comes before the write, and nothing is looked up."""
    kind = name[0].upper() + name[1:]
    selection = "... on Refusal { reasons { message } }"
    document = f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {selection} }} }}"

    response, calls = await execute(document, inputs, httpx.Response(422, json={"errors": reasons}))

    assert response == {"data": {name: {"reasons": [{"message": reasons[0]["message"]}]}}}
    assert len(calls) == 1


async def test_position_in_the_queue_refuses_an_update(gateway: Gateway) -> None:
    """A request that is changed and not cancelled keeps its place, so that a taken one refuses the change."""
    case = next(case for case in LOOK_UP_CASES if case.name == "updateRequest")
    inputs = case.prepare(gateway)
    refuse(gateway, case, {"errors": [SAME_POSITION]}, after=False)

    response = await gateway.execute(case.short_document, {"input": inputs}, gateway.as_staff("head"))

    (reason,) = response["data"]["updateRequest"]["reasons"]
    assert reason == {"code": "OTHER", "message": SAME_POSITION["message"]}
    assert not gateway.sandbox.writes.applied


CHECK_IN = """mutation($input: CheckInInput!) { checkIn(input: $input) {
    __typename ... on CheckedIn { loan { id } item { status { name } } }
    ... on Refusal { reasons { message } }
} }"""


@pytest.mark.parametrize("status", ["Declared lost", "Aged to lost", "Lost and paid"])
async def test_lost_item_without_a_lost_loan_is_checked_in(gateway: Gateway, status: str) -> None:
    """The check-in of an item that is lost without a loan, such as a migrated one, is a success.

    Circulation checks it in first and then finds no loan whose fees it could refund, which it sends as a
    refusal (LostItemFeeRefundService.lookupLoan).
    """
    library = gateway.library
    record(library.item_by_barcode(ITEM))["status"]["name"] = status
    inputs = {"itemBarcode": ITEM, "servicePointId": service_point(library)}

    response = await gateway.execute(CHECK_IN, {"input": inputs}, gateway.as_staff("head"))

    assert response["data"]["checkIn"]["__typename"] == "CheckedIn"
    assert response["data"]["checkIn"]["loan"] is None
    assert response["data"]["checkIn"]["item"]["status"]["name"] in ("AVAILABLE", "IN_TRANSIT")
    assert response["extensions"] == {"outcome": "confirmed"}
    assert len(writes(gateway)) == 1


async def test_each_of_several_renewals_is_confirmed(gateway: Gateway) -> None:
    """After a late refusal of one renewal the next ones are sent: the first was proved."""
    loan = loan_of(gateway)
    loan["dueDate"], loan["renewalCount"] = gateway.library.now(), 0
    gateway.sandbox.faults.add(
        kind="status",
        status=422,
        body=json.dumps({"errors": [NO_SERVICE_POINT]}),
        method="POST",
        path="/circulation/renew-by-id",
        after=True,
    )

    response = await gateway.execute(
        "mutation($input: RenewManyInput!) { renewMany(input: $input) { ... on LoansRenewed { "
        "renewals { __typename ... on Renewed { loan { id renewalCount } } } } } }",
        {"input": {"loanIds": [loan["id"]]}},
        gateway.as_staff("head"),
    )

    assert response["data"]["renewMany"]["renewals"] == [
        {"__typename": "Renewed", "loan": {"id": loan["id"], "renewalCount": 1}}
    ]
    assert sum(gateway.sandbox.writes.applied.values()) == 1


@pytest.mark.parametrize("comment", ["In the sea", "", " "])
async def test_lost_item_without_fees_is_found_closed(gateway: Gateway, comment: str) -> None:
    """A loan that is closed at once, because nothing is to be paid, proves the declaration without a comment.

    Circulation removes the comment when it closes the loan (Loan.closeLoan), and stores a blank one as an
    empty one (DeclareLostResource).
    """
    loan = loan_of(gateway, LENT_ITEM)
    loan.pop("lostItemPolicyId", None)
    inputs = {"loanId": loan["id"], "servicePointId": service_point(gateway.library), "comment": comment}
    gateway.sandbox.faults.add(kind="reset", method="POST", path="/circulation-bff/loans/", after=True)

    response = await gateway.execute(
        "mutation($input: DeclareItemLostInput!) { declareItemLost(input: $input) { "
        "... on ItemDeclaredLost { loan { action actionComment "
        "status { name } item { status { name } } } } } }",
        {"input": inputs},
        gateway.as_staff("head"),
    )

    assert response["data"]["declareItemLost"]["loan"] == {
        "action": "closedLoan",
        "actionComment": None,
        "status": {"name": "CLOSED"},
        "item": {"status": {"name": "LOST_AND_PAID"}},
    }
    assert response["extensions"] == {"outcome": "confirmed"}
    assert sum(gateway.sandbox.writes.applied.values()) == 1
