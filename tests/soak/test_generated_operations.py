"""Operations that nobody thought of: generated from the schema, sound ones and broken ones, in any weather.

The same operations come in each run, so that what is found today is found again tomorrow. What is an answer
is checked here: the check of schemathesis takes each error that has a path for a fault of the server, and a
service that is away or a library that says no is none of ours.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from starlette.types import Scope

from gateway.app import create_app
from gateway.sandbox import create_sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport
from tests.manual.pages import documented_codes
from tests.soak.generated import root_fields, several
from tests.soak.weather import EARLY_KINDS, Upstream, Weather

Json = Any  # an answer is JSON

CODES = frozenset(documented_codes()) - {"INTERNAL_ERROR"}
QUERIES = root_fields("Query")
ACTS = root_fields("Mutation")
MISTAKES = root_fields("Query", GenerationMode.NEGATIVE) | root_fields("Mutation", GenerationMode.NEGATIVE)
EARLY = 0.1  # of all upstream calls fail before the library does anything
LATE = 0.1  # of all acts are done, and then the answer fails
STEADY = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=12
)

# What the error of an act says of the call that acts.
NOT_SENT = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "UPSTREAM_UNAVAILABLE"}
SENT = {"OUTCOME_UNKNOWN", "NOT_FOUND", "CONFLICT", "FORBIDDEN"}
# These acts read the record first: a question that failed is told as it is, and nothing was sent.
READS_FIRST = {"cancelRequest"}
OF_QUESTIONS = {"NOT_FOUND", "UPSTREAM_BAD_RESPONSE", "UPSTREAM_ERROR", "UPSTREAM_TIMEOUT"}


class Watched(Upstream):
    """Remembers what it is asked."""

    def __init__(self, weather: Weather) -> None:
        super().__init__(create_sandbox(), weather)
        self.calls: list[str] = []

    def asked(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        self.calls.append(f"{scope['method']} {scope['path']}")

    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET ")]


class Caller:
    """Asks a gateway over the embedded library, and keeps count of what came of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, http: httpx.AsyncClient, upstream: Watched) -> None:
        self.loop = loop
        self.http = http
        self.upstream = upstream
        self.seen: Counter[str] = Counter()
        desk = upstream.sandbox.summary()
        self.headers = {
            "Accept": "application/graphql-response+json",
            "X-Okapi-Tenant": "diku",
            "X-Okapi-Token": desk.staff_tokens["head"],
            "X-Polaris-Authorization": desk.polaris_authorizations["head"],
            "X-Polaris-Workstation": str(desk.polaris_workstation),
            "X-Polaris-Organization": str(desk.polaris_organization),
        }

    def ask(self, document: str) -> Json:
        """Ask, and see that the answer is one: data, or errors with a code each, none of them our fault."""
        note(document)
        self.upstream.calls.clear()
        asked = self.http.post("/graphql", json={"query": document}, headers=self.headers)
        response = self.loop.run_until_complete(asked)
        assert response.status_code in (200, 400), response.text
        answer = response.json()
        errors = answer.get("errors", [])
        assert set(answer) <= {"data", "errors"}
        assert ("errors" in answer) == bool(errors)
        for error in errors:
            assert error["message"]
            assert error["extensions"]["requestId"]
            assert error["extensions"]["code"] in CODES, error
        if response.status_code == 200:
            assert isinstance(answer["data"], dict)
            self.seen["executed"] += 1
            self.seen["answered in full"] += not errors
            self.seen["upstream calls"] += len(self.upstream.calls)
        else:
            assert "data" not in answer
            assert self.upstream.calls == [], "it was refused, and something was asked"
        self.seen.update(error["extensions"]["code"] for error in errors)
        return answer

    def act(self, *fields: str, documents: list[str]) -> None:
        """Act, and see that each act was sent once, or not at all where its error says so."""
        answer = self.ask(several(documents))
        if "data" not in answer:
            return
        failed = {each["path"][0]: each for each in answer.get("errors", []) if len(each["path"]) == 1}
        sent = 0
        for field, (name, told) in zip(fields, answer["data"].items(), strict=True):
            assert (told is None) == (name in failed), answer
            outcome = told["__typename"] if told else failed[name]["extensions"]["code"]
            reads = field in READS_FIRST and outcome in OF_QUESTIONS
            assert told or reads or outcome in SENT | NOT_SENT, answer
            was_sent = bool(told) or (outcome in SENT and not reads)
            sent += was_sent
            self.seen["acts"] += 1
            self.seen["acts sent"] += was_sent
            self.seen["acts done"] += bool(told) and outcome != "Refusal"
            self.seen["acts not attempted"] += (
                not told and failed[name]["extensions"].get("reason") == "notAttempted"
            )
        assert len(self.upstream.writes()) == sent, (answer, self.upstream.calls)


@contextmanager
def calling(*, bad_weather: bool = False, **given: Json) -> Iterator[Caller]:
    weather = Weather(early=EARLY, late=LATE)
    weather.bad = bad_weather
    upstream = Watched(weather)
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
            yield Caller(loop, http, upstream)
        finally:
            loop.run_until_complete(http.aclose())
            loop.run_until_complete(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="module", name="calm")
def _calm() -> Iterator[Caller]:
    """For all that changes nothing."""
    with calling() as caller:
        yield caller


@pytest.mark.parametrize("field", QUERIES)
def test_any_query(calm: Caller, field: str) -> None:
    """Any valid query is answered with data and coded errors: most are executed, many without an error."""

    @STEADY
    @given(QUERIES[field])
    def asked(document: str) -> None:
        calm.ask(document)

    calm.seen.clear()
    asked()

    assert calm.seen["executed"] >= 8, calm.seen
    assert calm.seen["answered in full"] >= 4, calm.seen
    assert calm.seen["upstream calls"] >= 4, calm.seen


@pytest.mark.parametrize("field", ACTS)
def test_any_act(field: str) -> None:
    """Any valid act is sent once or, where its error says so, not at all; and many are sent."""

    @settings(STEADY, max_examples=25)
    @given(ACTS[field])
    def acted(document: str) -> None:
        caller.act(field, documents=[document])

    with calling() as caller:
        acted()

    assert caller.seen["acts sent"] >= 5, caller.seen


@pytest.mark.parametrize("field", MISTAKES)
def test_any_mistake(calm: Caller, field: str) -> None:
    """A value that the schema rules out is refused as that, and nothing is asked upstream."""

    @STEADY
    @given(MISTAKES[field])
    def asked(document: str) -> None:
        answer = calm.ask(document)
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes <= {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}, answer
        assert "data" not in answer

    asked()


def test_acts_in_bad_weather() -> None:
    """While upstream fails at random, no act is sent twice, and none after one whose outcome is unknown."""
    acts = st.one_of([st.tuples(st.just(field), documents) for field, documents in ACTS.items()])

    @settings(STEADY, max_examples=200)
    @given(st.lists(acts, min_size=1, max_size=4))
    def acted(several: list[tuple[str, str]]) -> None:
        caller.act(*(field for field, _ in several), documents=[document for _, document in several])

    # The breaker and retries go by the clock, and have tests of their own.
    with calling(bad_weather=True, breaker=False, read_attempts=1) as caller:
        acted()

    assert set(caller.upstream.weather.drawn) == set(EARLY_KINDS)
    assert caller.seen["acts sent"] >= 120, caller.seen
    assert caller.seen["acts done"] >= 35, caller.seen
    assert caller.seen["acts not attempted"] >= 5, caller.seen
    assert caller.seen["OUTCOME_UNKNOWN"] >= 15, caller.seen


def test_queries_in_bad_weather() -> None:
    """While upstream fails at random each query is answered, with the codes of the list."""

    @settings(STEADY, max_examples=250)
    @given(st.one_of(list(QUERIES.values())))
    def asked(document: str) -> None:
        caller.ask(document)

    with calling(bad_weather=True, breaker=False, read_attempts=1) as caller:
        asked()
    assert caller.upstream.weather.drawn.total() >= 15
    assert caller.seen["executed"] >= 200, caller.seen
    assert caller.seen["answered in full"] >= 100, caller.seen
