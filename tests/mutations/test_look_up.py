"""Look-ups of unknown outcomes over the sandbox: every mutation, its response lost or the write itself."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.graph import schema
from gateway.sandbox import Library
from tests.gateway_under_test import Gateway, open_gateway
from tests.mutations.look_up_cases import LOOK_UP_CASES, LookUpCase
from tests.mutations.unclear_responses import fault_name

pytestmark = pytest.mark.anyio

Json = Any  # inputs and responses are JSON

LOST: list[Json] = [
    {"kind": "reset"},
    {"kind": "slow", "delay": 5.0},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 504},
    {"kind": "status", "status": 500},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "wrong_shape"},
    {"kind": "truncate"},
]
NOT_WRITTEN = [fault for fault in LOST if fault["kind"] not in ("slow", "truncate")]
"""The faults without which the sandbox would write."""

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

every_case = pytest.mark.parametrize("case", LOOK_UP_CASES, ids=str)


def test_every_mutation_has_a_case() -> None:
    """A mutation that is added needs its look-up, or the reason why there is none."""
    mutations = schema._schema.mutation_type
    assert mutations is not None
    # Several writes with a result each have their own tests.
    assert {case.name for case in LOOK_UP_CASES} == set(mutations.fields) - {"renewMany"}


async def send(gateway: Gateway, case: LookUpCase, inputs: Json, document: str | None = None) -> Json:
    """Send the mutation as a staff member known to FOLIO and Polaris; return the response."""
    return await gateway.execute(document or case.document, {"input": inputs}, gateway.as_staff("head"))


def lose(gateway: Gateway, case: LookUpCase, fault: Json, *, after: bool) -> None:
    gateway.sandbox.faults.add(method=case.method, path=case.path, after=after, **fault)
    gateway.sandbox.calls.clear()
    gateway.sandbox.writes.clear()


def applied(gateway: Gateway) -> int:
    return sum(gateway.sandbox.writes.applied.values())


def calls(gateway: Gateway) -> list[str]:
    """Return the calls with `{id}` for each UUID."""
    return [UUID.sub("{id}", path) for path in gateway.paths()]


def calls_of(case: LookUpCase, reads: tuple[str, ...]) -> list[str]:
    """Return the calls of a mutation and its look-up; some read the record first."""
    before = {
        "cancelRequest": ["GET /circulation/requests/{id}"],
        "updateRequest": ["GET /circulation/requests/{id}"],
        "updateManualBlock": ["GET /manualblocks/{id}"],
    }
    return [*before.get(case.name, []), case.sent, *reads]


def is_success(case: LookUpCase, fault: Json) -> bool:
    """Return True if the response is a success in spite of the fault."""
    kind = fault["kind"]
    return (kind == "truncate" and not case.has_body) or (kind == "empty" and case.empty_is_success)


def unknown(response: Json, case: LookUpCase) -> Json:
    """Return the extensions of the only error, which is an unknown outcome."""
    (error,) = response["errors"]
    assert response["data"] == {case.name: None}
    assert "extensions" not in response
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    return error["extensions"]


async def look_once(
    case: LookUpCase, fault: Json, *, after: bool, is_second: bool = False
) -> tuple[Json, int, list[str]]:
    """Return the response to a mutation with a fault, the writes that were applied, and the calls.

    It is looked up once, in 0.2 seconds. On a busy machine that look may have no time: then all is repeated,
    twice at most. `is_second` if the same mutation has succeeded before.
    """
    for _ in range(3):
        async with open_gateway(look_up_timeout=0.2) as gateway:
            inputs = case.prepare(gateway)
            if is_second:
                first = await send(gateway, case, inputs, case.short_document)
                assert "errors" not in first, first["errors"]
                await asyncio.sleep(0.005)
            lose(gateway, case, fault, after=after)
            result = await send(gateway, case, inputs, case.short_document), applied(gateway), calls(gateway)
        seen = [each["extensions"].get("seen") for each in result[0].get("errors", ())]
        if "The look-up failed: UPSTREAM_TIMEOUT." not in seen:
            break
    return result


def undated(text: str) -> str:
    return re.sub(r"\d{4}-\S+(?=\.)", "{date}", text)


class Result:
    """The result of a mutation, without what differs between two libraries: new ids and the current time."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.known = self._ids()

    def _ids(self) -> set[str]:
        library = self.gateway.library
        return {
            *library.loans,
            *library.requests,
            *library.mediated_requests,
            *library.batch_requests,
            *library.fee_fine_actions,
        }

    def of(self, case: LookUpCase, response: Json) -> Json:
        """Return the data that a record can show."""
        result = self._comparable(response["data"][case.name], self._ids() - self.known)
        for path in case.unlike:
            *parents, name = path.split(".")
            record = result
            for parent in parents:
                record = record[parent]
            record[name] = "unlike"
        return result

    def _comparable(self, value: Json, new: set[str]) -> Json:
        if isinstance(value, dict):
            return {name: self._comparable(each, new) for name, each in value.items()}
        if isinstance(value, list):
            return [self._comparable(each, new) for each in value]
        if not isinstance(value, str):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return "new" if value in new else value
        return "now" if abs(moment - datetime.now(UTC)) < timedelta(minutes=1) else value


_normal_results: dict[tuple[LookUpCase, datetime], Json] = {}


async def normal_result(case: LookUpCase, library: Library) -> Json:
    """Return the result if no response is lost. It is executed once for libraries with the same dates."""
    key = case, library.clock.start.replace(minute=0, second=0, microsecond=0)
    if key not in _normal_results:
        async with open_gateway() as gateway:
            result = Result(gateway)
            _normal_results[key] = result.of(case, await send(gateway, case, case.prepare(gateway)))
    return _normal_results[key]


# After the write


@every_case
@pytest.mark.parametrize("fault", LOST, ids=fault_name)
async def test_response_is_lost(case: LookUpCase, fault: Json) -> None:
    """The write is applied once, and the result is that of its response, wherever a record proves it."""
    async with open_gateway(act_timeout=0.1) as gateway:
        expected = await normal_result(case, gateway.library)
        result, inputs = Result(gateway), case.prepare(gateway)
        lose(gateway, case, fault, after=True)
        response = await send(gateway, case, inputs)

        assert applied(gateway) == case.writes
        if is_success(case, fault):
            assert set(response) == {"data"}
            assert result.of(case, response) == expected
        elif case.has_proof:
            assert "errors" not in response, response["errors"]
            assert response["extensions"] == {"outcome": "confirmed"}
            assert result.of(case, response) == expected
        else:
            assert unknown(response, case)["operation"] == case.name


@every_case
async def test_calls_of_a_look_up(case: LookUpCase) -> None:
    """The look-up of a write that was applied reads once."""
    _, _, sent = await look_once(case, {"kind": "status", "status": 502}, after=True)

    expected = case.reads if case.has_proof else case.reads_in_vain
    assert sent == calls_of(case, expected)


# Before the write


@every_case
@pytest.mark.parametrize("fault", NOT_WRITTEN, ids=fault_name)
async def test_write_is_lost(case: LookUpCase, fault: Json) -> None:
    """Nothing is written and nothing confirmed; the error shows what was seen."""
    response, writes, sent = await look_once(case, fault, after=False)

    assert writes == 0
    if is_success(case, fault):
        return
    assert undated(unknown(response, case).get("seen", "")) == case.seen_in_vain
    assert sent == calls_of(case, case.reads_in_vain)


@every_case
async def test_write_is_lost_after_an_equal_one(case: LookUpCase) -> None:
    """A state that is as requested before the sending proves nothing."""
    response, writes, _ = await look_once(case, {"kind": "reset"}, after=False, is_second=True)

    assert undated(unknown(response, case).get("seen", "")) == case.seen
    assert writes == 0
