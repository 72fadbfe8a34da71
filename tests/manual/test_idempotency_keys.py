"""The page on idempotency keys shows a command that can be repeated, and the numbers of the code."""

from __future__ import annotations

import shlex

import pytest

from gateway.cli.settings import settings_markdown
from gateway.engine.idempotency import MAX_RESPONSE, NOT_EXECUTED
from gateway.engine.idempotency_stores import EXPIRY, LEASE
from gateway.errors import ErrorCode
from gateway.identity import MAX_IDEMPOTENCY_KEY_LENGTH
from tests.gateway_under_test import open_gateway
from tests.manual.pages import PAGES, blocks, section

pytestmark = pytest.mark.anyio

PAGE = PAGES["idempotency-keys"]


async def test_the_command_can_be_repeated() -> None:
    """Sent twice, the command gets one response, the second time with the header that the page shows."""
    (command,) = blocks("sh", PAGE)
    words = shlex.split(command.replace("\\\n", " "))
    headers = dict(words[place + 1].split(": ") for place, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    async with open_gateway() as gateway:
        first, again = [await gateway.http.post("/graphql", content=body, headers=headers) for _ in range(2)]
        writes = gateway.sandbox.writes.applied.total()

    assert first.json()["data"]["checkIn"]["item"]["barcode"] == "2000000041"
    assert again.content == first.content
    (mark,) = blocks("text", PAGE)
    name, value = mark.strip().split(": ")
    assert (first.headers.get(name), again.headers.get(name), writes) == (None, value, 1)


def test_the_numbers_are_those_of_the_code() -> None:
    """The page repeats lengths, times and settings of the code."""
    assert f"1 to {MAX_IDEMPOTENCY_KEY_LENGTH} visible ASCII characters" in PAGE
    assert (EXPIRY, "24 hours" in PAGE) == (24 * 3600, True)
    assert f"up to {LEASE:g} seconds" in PAGE
    assert f"more than {MAX_RESPONSE:,} bytes" in PAGE
    for name in ("IDEMPOTENCY", "IDEMPOTENCY_KEYS", "IDEMPOTENCY_BYTES"):
        assert f"`{name}`" in settings_markdown()
        assert f"`{name}" in PAGE


def test_the_codes_are_those_of_the_code() -> None:
    """The page lists the outcomes that leave a key free, and the codes of refused requests."""
    text = section("idempotency-keys", "Results")
    (sentence,) = [each for each in text.split("\n- ") if "certainly nothing was executed" in each]

    assert {code for code in ErrorCode if f"`{code}`" in sentence} == NOT_EXECUTED
    for code in (ErrorCode.IDEMPOTENCY_KEY_IN_USE, ErrorCode.IDEMPOTENCY_KEY_REUSED):
        assert f"`{code}`" in PAGE
