"""Links by a list of keys, of which one is no id."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.gateway_over import gateway_over, key

pytestmark = pytest.mark.anyio

LAW, GONE = key(1), key(2)


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("invalid", [7, {}, "no id", "\ud800"], ids=ascii)
@pytest.mark.parametrize("fields", ["id", "id name"])
async def test_an_invalid_key_nulls_its_element(fields: str, invalid: Any, execution: str) -> None:
    """It is null with an error at its position; the other targets are there, without gaps."""
    keys = [LAW.upper(), GONE, invalid, None, LAW] if "name" in fields else [LAW.upper(), invalid, None, LAW]
    users = [{"id": key(3), "departments": keys}, {"id": key(4), "departments": [LAW]}]

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/users":
            return httpx.Response(200, text=json.dumps({"users": users, "totalRecords": 2}))
        return httpx.Response(200, json={"departments": [{"id": LAW, "name": "Law"}], "totalRecords": 1})

    async with gateway_over(upstream, execution=execution) as client:
        response = await client.execute(f"{{ users {{ nodes {{ departments {{ {fields} }} }} }} }}")

    law = {"id": LAW} | ({"name": "Law"} if "name" in fields else {})
    assert [each["departments"] for each in response["data"]["users"]["nodes"]] == [[law, None, law], [law]]
    (error,) = response["errors"]
    assert error["path"] == ["users", "nodes", 0, "departments", 1]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
