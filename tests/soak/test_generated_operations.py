"""Operations generated from the schema, valid and invalid ones, with and without faults.

Each run has the same operations, so that failures are repeatable. Responses are checked here: the check of
schemathesis takes each error with a path for a server fault, which an unavailable service is not.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from starlette.types import Scope

from gateway.app import create_app
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.manual.pages import documented_codes
from tests.soak.generated_operations import GeneratedFields, merge_mutations
from tests.soak.random_faults import EARLY_KINDS, FaultyUpstream, RandomFaults

Json = Any  # a response body

CODES = frozenset(documented_codes()) - {"INTERNAL_ERROR"}
QUERIES = GeneratedFields("Query")
# `renewMany` has as many writes as its loans, counted in tests/mutations/test_renew_many.py.
MUTATIONS = GeneratedFields("Mutation", without={"renewMany"})
INVALID = GeneratedFields("Query", "Mutation", is_negative=True)
EARLY = 0.1  # of all upstream calls fail before the library processes them
LATE = 0.1  # of all writes succeed, and then the response fails
REPEATABLE = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=9
)

# Error codes of mutations by their meaning for the write.
NOT_SENT = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "UPSTREAM_UNAVAILABLE"}
SENT = {"OUTCOME_UNKNOWN", "NOT_FOUND", "CONFLICT", "FORBIDDEN"}
# These mutations read the record first; a failed read has its own code, and nothing is written.
READS_FIRST = {"cancelRequest", "updateRequest", "updateManualBlock"}
NOTHING_SENT = {"RequestConflict"}  # the result of a write that the record just read speaks against
CONFIRMED = {"outcome": "confirmed"}  # of a write that was looked up
CHECK = re.compile(r"/accounts(-bulk|/[^/]+)/check-|-dry-run$")
READ_CODES = {"NOT_FOUND", "UPSTREAM_BAD_RESPONSE", "UPSTREAM_ERROR", "UPSTREAM_TIMEOUT"}


class RecordingUpstream(FaultyUpstream):
    """Records the calls it receives."""

    def __init__(self, faults: RandomFaults) -> None:
        super().__init__(create_sandbox(), faults)
        self.calls: list[str] = []

    def on_call(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        self.calls.append(f"{scope['method']} {scope['path']}")

    def writes(self) -> list[str]:
        """Return the calls that may change something: checks and dry runs are POST, and do not."""
        return [each for each in self.calls if not each.startswith("GET ") and not CHECK.search(each)]


class Client:
    """Sends operations to a gateway over the embedded library and counts the outcomes."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, http: httpx.AsyncClient, upstream: RecordingUpstream
    ) -> None:
        self.loop = loop
        self.http = http
        self.upstream = upstream
        self.seen: Counter[str] = Counter()
        summary = upstream.sandbox.summary()
        self.headers = {
            "Accept": "application/graphql-response+json",
            "X-Okapi-Tenant": "diku",
            "X-Okapi-Token": summary.staff_tokens["head"],
            "X-Polaris-Authorization": summary.polaris_authorizations["head"],
            "X-Polaris-Workstation": str(summary.polaris_workstation),
            "X-Polaris-Organization": str(summary.polaris_organization),
        }

    def send(self, document: str) -> Json:
        """Send an operation and check the response: data, or errors with documented codes, none internal."""
        note(document)
        self.upstream.calls.clear()
        pending = self.http.post("/graphql", json={"query": document}, headers=self.headers)
        response = self.loop.run_until_complete(pending)
        assert response.status_code in (200, 400), response.text
        body = response.json()
        errors = body.get("errors", [])
        assert set(body) <= {"data", "errors", "extensions"}
        assert body.get("extensions", CONFIRMED) == CONFIRMED
        assert ("errors" in body) == bool(errors)
        for error in errors:
            assert error["message"]
            assert error["extensions"]["requestId"]
            assert error["extensions"]["code"] in CODES, error
        if response.status_code == 200:
            assert isinstance(body["data"], dict)
            self.seen["executed"] += 1
            self.seen["without errors"] += not errors
            self.seen["upstream calls"] += len(self.upstream.calls)
        else:
            assert "data" not in body
            assert self.upstream.calls == [], "a rejected operation made upstream calls"
        self.seen.update(error["extensions"]["code"] for error in errors)
        return body

    def mutate(self, *fields: str, documents: list[str]) -> None:
        """Send mutations and check that each was written once, or not at all if its error excludes it."""
        body = self.send(merge_mutations(documents))
        if "data" not in body:
            return
        failed = {each["path"][0]: each for each in body.get("errors", []) if len(each["path"]) == 1}
        sent = 0
        for field, (name, result) in zip(fields, body["data"].items(), strict=True):
            assert (result is None) == (name in failed), body
            outcome = result["__typename"] if result else failed[name]["extensions"]["code"]
            reads = field in READS_FIRST and outcome in READ_CODES
            assert result or reads or outcome in SENT | NOT_SENT, body
            was_sent = outcome not in NOTHING_SENT if result else outcome in SENT and not reads
            sent += was_sent + (outcome == "FeeFineCharged")  # with a second write for its history
            self.seen["writes"] += 1
            self.seen["writes sent"] += was_sent
            self.seen["writes done"] += bool(result) and outcome != "Refusal"
            self.seen["writes not attempted"] += (
                not result and failed[name]["extensions"].get("reason") == "notAttempted"
            )
        assert len(self.upstream.writes()) == sent, (body, self.upstream.calls)


@contextmanager
def open_client(*, with_faults: bool = False, **given: Json) -> Iterator[Client]:
    faults = RandomFaults(early=EARLY, late=LATE)
    faults.enabled = with_faults
    upstream = RecordingUpstream(faults)
    app = create_app(
        Settings(sandbox=True, consortium_tenants="college", **given),
        transport=lambda limits: in_process_transport(upstream),
    )
    lifespan = app.router.lifespan_context(app)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loop.run_until_complete(lifespan.__aenter__())
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway")
        try:
            yield Client(loop, http, upstream)
        finally:
            loop.run_until_complete(http.aclose())
            loop.run_until_complete(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="module", name="shared_client")
def _shared_client() -> Iterator[Client]:
    """A client for tests that change nothing."""
    with open_client() as client:
        yield client


@pytest.mark.parametrize("field", QUERIES)
def test_any_query(shared_client: Client, field: str) -> None:
    """Any valid query gets data and coded errors: most are executed, many without an error."""

    @settings(REPEATABLE, max_examples=25)
    @given(QUERIES[field])
    def send(document: str) -> None:
        shared_client.send(document)

    shared_client.seen.clear()
    send()

    assert shared_client.seen["executed"] >= 16, shared_client.seen
    assert shared_client.seen["without errors"] >= 6, shared_client.seen
    assert shared_client.seen["upstream calls"] >= 6, shared_client.seen


@pytest.mark.parametrize("field", MUTATIONS)
def test_any_mutation(field: str) -> None:
    """Any valid mutation is written once or, if its error excludes it, not at all; and many are written."""

    @settings(REPEATABLE, max_examples=25)
    @given(MUTATIONS[field])
    def mutate(document: str) -> None:
        client.mutate(field, documents=[document])

    with open_client(look_up_timeout=0.2) as client:  # one look
        mutate()

    assert client.seen["writes sent"] >= 5, client.seen


@pytest.mark.parametrize("field", INVALID)
def test_any_invalid_value(shared_client: Client, field: str) -> None:
    """A value that the schema excludes is a validation error, and no upstream call is made."""

    @REPEATABLE
    @given(INVALID[field])
    def send(document: str) -> None:
        body = shared_client.send(document)
        codes = {error["extensions"]["code"] for error in body["errors"]}
        assert codes <= {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}, body
        assert "data" not in body

    send()


def test_mutations_with_faults() -> None:
    """With random faults no mutation is written twice, and none after one whose outcome is unknown."""
    mutations = st.one_of([st.tuples(st.just(field), documents) for field, documents in MUTATIONS.items()])

    @settings(REPEATABLE, max_examples=200)
    @given(st.lists(mutations, min_size=1, max_size=4))
    def mutate(pairs: list[tuple[str, str]]) -> None:
        client.mutate(*(field for field, _ in pairs), documents=[document for _, document in pairs])

    # The circuit breaker and retries depend on time and are tested separately; look-ups may wait for seconds.
    with open_client(with_faults=True, breaker=False, read_attempts=1, look_up_timeout=0.2) as client:
        mutate()

    assert set(client.upstream.faults.drawn) == set(EARLY_KINDS)
    assert client.seen["writes sent"] >= 120, client.seen
    assert client.seen["writes done"] >= 35, client.seen
    assert client.seen["writes not attempted"] >= 5, client.seen
    assert client.seen["OUTCOME_UNKNOWN"] >= 15, client.seen


def test_queries_with_faults() -> None:
    """With random faults each query gets a response with documented codes."""

    @settings(REPEATABLE, max_examples=250)
    @given(st.one_of(list(QUERIES.values())))
    def send(document: str) -> None:
        client.send(document)

    with open_client(with_faults=True, breaker=False, read_attempts=1) as client:
        send()
    assert client.upstream.faults.drawn.total() >= 15
    assert client.seen["executed"] >= 200, client.seen
    assert client.seen["without errors"] >= 100, client.seen
