"""Numbers of upstream that have more digits than a double."""

from __future__ import annotations

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("12", 12.0),
        ("9007199254740993", 9007199254740992.0),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("-123456789012345678901234567890", -1.2345678901234568e29),
        ("1" + 400 * "0", None),
    ],
)
async def test_an_amount_with_many_digits(execution: str, number: str, value: float | None) -> None:
    """It is the nearest double; one beyond all doubles is null with an error, and costs itself alone."""
    body = f'{{"accounts": [{{"id": "{key(1)}", "amount": {number}, "remaining": 1.5}}], "totalRecords": 1}}'

    async with gateway_over(lambda _: httpx.Response(200, text=body), execution=execution) as gateway:
        response = await gateway.execute("{ accounts { nodes { amount remaining } } }")

    assert response["data"]["accounts"]["nodes"] == [{"amount": value, "remaining": 1.5}]
    paths = [error["path"] for error in response.get("errors", ())]
    assert paths == ([] if value is not None else [["accounts", "nodes", 0, "amount"]])
