"""Operations that nobody thought of: generated from the schema, sound ones and broken ones."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis_graphql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app import create_app
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport import in_process_transport

Json = Any  # an answer is JSON

PROJECT = Path(__file__).parents[2]
SDL = (PROJECT / "schema.graphql").read_text(encoding="utf-8")
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DOCUMENTED = frozenset(re.findall(r"`([A-Z_]{6,})`", README)) - {"INTERNAL_ERROR"}
HEADERS = {
    "X-Okapi-Tenant": "diku",
    "X-Polaris-Authorization": "PAS polaris:desk-token:desk-secret",
    "X-Polaris-Workstation": "7",
    "X-Polaris-Organization": "3",
}
# Ids as they come: mostly in the form of one, here and there of a record that is there.
IDS = st.one_of(st.uuids().map(str), st.sampled_from(list(create_sandbox().library("diku").loans)))
SCALARS = {
    "ID": IDS.map(hypothesis_graphql.nodes.String),
    "DateTime": st.sampled_from(
        ["2026-11-22T10:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00", "2026-02-30", ""]
    ).map(hypothesis_graphql.nodes.String),
    "JSON": st.text(max_size=5).map(hypothesis_graphql.nodes.String),
}
NEGATIVE = hypothesis_graphql.Mode.NEGATIVE
QUERIES = hypothesis_graphql.queries(SDL, custom_scalars=SCALARS)
MUTATIONS = hypothesis_graphql.mutations(SDL, custom_scalars=SCALARS)
BROKEN_QUERIES = hypothesis_graphql.queries(SDL, custom_scalars=SCALARS, mode=NEGATIVE)
BROKEN_MUTATIONS = hypothesis_graphql.mutations(SDL, custom_scalars=SCALARS, mode=NEGATIVE)
# The same operations in each run: what is found today is found again tomorrow.
STEADY = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=300
)
FEWER = settings(STEADY, max_examples=50)


class Caller:
    """Asks a gateway over the embedded library, and keeps count of what came of it."""

    def __init__(self, http: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self.http = http
        self.loop = loop
        self.seen: Counter[str] = Counter()

    def ask(self, document: object) -> None:
        """Ask, and look whether the answer is one: JSON with data or errors, each coded, none our fault."""
        asked = self.http.post("/graphql", json={"query": document}, headers=HEADERS)
        response = self.loop.run_until_complete(asked)
        assert response.status_code in (200, 400), response.text
        answer = response.json()
        errors = answer.get("errors", [])
        assert set(answer) <= {"data", "errors"}
        assert "data" in answer or errors, answer
        assert ("errors" in answer) == bool(errors)
        for error in errors:
            assert error["message"]
            assert error["extensions"]["requestId"]
            assert error["extensions"]["code"] in DOCUMENTED, error
        self.seen["executed"] += "data" in answer
        self.seen["sound"] += not errors
        self.seen.update({error["extensions"]["code"] for error in errors})


@pytest.fixture(scope="module", name="caller")
def _caller() -> Iterator[Caller]:
    sandbox = create_sandbox()
    app = create_app(Settings(sandbox=True), transport=lambda limits: in_process_transport(sandbox))
    with asyncio.Runner() as runner:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")
        caller = Caller(http, runner.get_loop())
        yield caller
        runner.run(http.aclose())
    print(f"\n{dict(caller.seen)}")  # noqa: T201 - for whoever wants to know


def test_any_query(caller: Caller) -> None:
    """Any valid query is answered with data and coded errors, and most of them are executed."""

    @STEADY
    @given(QUERIES)
    def asked(document: object) -> None:
        caller.ask(document)

    before = caller.seen["executed"]
    asked()
    assert caller.seen["executed"] - before >= 200


def test_any_mutation(caller: Caller) -> None:
    """Any valid act is answered: done, refused by the library, or refused by the gateway with a code."""

    @FEWER
    @given(MUTATIONS)
    def asked(document: object) -> None:
        caller.ask(document)

    asked()


@pytest.mark.parametrize("broken", [BROKEN_QUERIES, BROKEN_MUTATIONS], ids=["queries", "mutations"])
def test_any_mistake(caller: Caller, broken: st.SearchStrategy[object]) -> None:
    """Values that the schema rules out are refused with a code, and nothing breaks."""

    @FEWER
    @given(broken)
    def asked(document: object) -> None:
        caller.ask(document)

    asked()
