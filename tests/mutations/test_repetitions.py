"""Every mutation that is sent again with its idempotency key after an unknown outcome is looked up."""

from __future__ import annotations

import pytest

from tests.gateway_under_test import Gateway, Json, open_gateway
from tests.mutations.look_up_cases import LOOK_UP_CASES, LookUpCase

pytestmark = pytest.mark.anyio

READ_BEFORE = {
    "cancelRequest": "/circulation/requests/",
    "updateRequest": "/circulation/requests/",
    "updateManualBlock": "/manualblocks/",
}
"""The paths of records that a mutation reads before it writes."""


async def send(gateway: Gateway, case: LookUpCase, inputs: Json) -> Json:
    headers = gateway.as_staff("head") | {"Idempotency-Key": "the-key"}
    return await gateway.execute(case.document, {"input": inputs}, headers)


@pytest.mark.parametrize("case", LOOK_UP_CASES, ids=str)
async def test_a_repetition_is_looked_up(case: LookUpCase) -> None:
    """It has the result of the write if a record proves it, by the values that the first request sent.

    Dates and new ids are the same in both, and no write is sent again.
    """
    async with open_gateway(look_up_timeout=0.2) as gateway:
        inputs = case.prepare(gateway)
        faults, writes = gateway.sandbox.faults, gateway.sandbox.writes
        if case.name in READ_BEFORE:
            faults.add(kind="slow", delay=0.0, method="GET", path=READ_BEFORE[case.name], times=1)
        faults.add(kind="status", method=case.method, path=case.path, after=True)
        faults.add(kind="status", method="GET")
        first = await send(gateway, case, inputs)
        faults.clear()
        served = dict(writes.served)

        again = await send(gateway, case, inputs)

    (error,) = first["errors"]
    assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert dict(writes.served) == served
    if case.has_proof:
        assert again["extensions"] == {"outcome": "confirmed"}
        # The second write of a charge was not sent, because the outcome of the first was unknown.
        unsent = [[case.name, "action"]] if case.writes > 1 else []
        assert [each["path"] for each in again.get("errors", [])] == unsent
        assert again["data"][case.name]["__typename"] != "Refusal"
    else:
        (error,) = again["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
