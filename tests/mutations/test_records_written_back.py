"""Mutations that read a record and write it back: what cannot be sent back is not lost, nothing is sent."""

from __future__ import annotations

import httpx
import pytest

from tests.gateway_over import CALLER, Json, gateway_over, key

pytestmark = pytest.mark.anyio

WRITTEN_BACK = {
    "cancelRequest": (
        f'requestId: "{key(1)}", cancellationReasonId: "{key(2)}", cancelledByUserId: "{key(3)}"',
        f"/circulation/requests/{key(1)}",
    ),
    "updateRequest": (f'requestId: "{key(1)}", tags: ["new"]', f"/circulation/requests/{key(1)}"),
    "updateManualBlock": (f'manualBlockId: "{key(1)}", desc: "new"', f"/manualblocks/{key(1)}"),
}
INVALID = [rb'"cut \ud83d"', b'"\xff"', b"NaN", b"1e999", b"9" * 5000]

each_mutation = pytest.mark.parametrize("name", WRITTEN_BACK)


async def execute(name: str, body: bytes, **headers: str) -> tuple[Json, list[str]]:
    """Return the response, and the upstream requests, of which a read has this body."""

    def upstream(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body) if request.method == "GET" else httpx.Response(204)

    inputs, _ = WRITTEN_BACK[name]
    async with gateway_over(upstream) as gateway:
        document = f"mutation {{ {name}(input: {{ {inputs} }}) {{ __typename }} }}"
        response = await gateway.execute(document, None, CALLER | headers)
        return response, gateway.lines()


@each_mutation
@pytest.mark.parametrize("value", INVALID, ids=lambda value: repr(value)[2:12])
@pytest.mark.parametrize("member", [b'"patronComments": %b', b'"ofTomorrow": {"a": [0, %b]}'])
async def test_a_record_with_a_value_that_json_cannot_have(name: str, value: bytes, member: bytes) -> None:
    """It is read, and not written: the write would replace the value by null, or could not be encoded."""
    body = b'{"id": "%b", %b}' % (key(1).encode(), member % value)
    response, requests = await execute(name, body)

    assert response["data"] == {name: None}
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert error["message"] == "folio sent a record with a value that cannot be sent back; nothing was sent."
    assert requests == [f"GET {WRITTEN_BACK[name][1]}"]


@each_mutation
async def test_another_record_is_not_written_in_the_place_of_this_one(name: str) -> None:
    """A record with another id, as of a cache in between, is none of those that were requested."""
    response, requests = await execute(name, b'{"id": "%b", "status": "Open"}' % key(9).encode())

    assert response["data"] == {name: None}
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert requests == [f"GET {WRITTEN_BACK[name][1]}"]


@each_mutation
@pytest.mark.parametrize("sent", [key(1).upper().encode(), b"", b"null"], ids=["capitals", "no id", "null"])
async def test_a_record_that_names_no_other_id_is_written_back(name: str, sent: bytes) -> None:
    """FOLIO matches ids in any case, and only a record that says that it is another one is refused."""
    id = sent if sent == b"null" else b'"%b"' % sent
    response, requests = await execute(name, b'{"id": %b}' % id if sent else b'{"status": "Open"}')

    assert "errors" not in response
    assert requests == [f"{method} {WRITTEN_BACK[name][1]}" for method in ("GET", "PUT")]
