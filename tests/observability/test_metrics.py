"""/metrics: counts and times by labels from closed lists."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message

from gateway.app import create_app
from gateway.engine.idempotency import DECISIONS as IDEMPOTENCY_DECISIONS
from gateway.engine.plans.cache import Reason
from gateway.errors import ErrorCode
from gateway.graph import schema
from gateway.http.event_stream import Ended
from gateway.live.kafka_records import KAFKA_EVENTS
from gateway.live.kafka_replay import KAFKA_REPLAYS
from gateway.live.relay import RELAY_MESSAGES
from gateway.observability.metrics import BATCH, KINDS, OTHER, OUTCOMES, STATUSES, Metrics
from gateway.observability.operation import OperationRecord
from gateway.redis_store import Outcome as StoreOutcome
from gateway.settings import Settings
from gateway.upstream.routes import UPSTREAMS
from gateway.upstream.services import declared_routes
from tests.gateway_under_test import Gateway, open_gateway
from tests.observability.log_lines import logged
from tests.stories import test_screens as screens

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
LOANS = "{ loans(first: 5) { nodes { borrower { barcode patronGroup { desc } } } } }"
LOCK = "mutation { lockObject(input: { objectType: PATRON, objectId: 29938 }) { __typename } }"
MUTATIONS = set(schema._schema.mutation_type.fields) if schema._schema.mutation_type else set()
OPERATIONS = "gateway_operation_duration_seconds_count"
CALLS = "gateway_upstream_call_duration_seconds_count"

CLOSED: Mapping[str, set[str]] = {
    "kind": set(KINDS),
    "outcome": {
        *OUTCOMES,
        *ErrorCode,
        *get_args(StoreOutcome),
        *KAFKA_EVENTS.counts,
        *KAFKA_REPLAYS.counts,
        *RELAY_MESSAGES.counts,
        "SUCCESS",
        "LOCKED",
        "CANCELLED",
    },
    "code": {*ErrorCode, OTHER},
    "upstream": set(UPSTREAMS),
    "method": {"GET", "POST", "PUT", "DELETE"},
    "route": {each.route.template for each in declared_routes()},
    "status": set(STATUSES),
    "mutation": MUTATIONS,
    "reason": {*get_args(Reason), *get_args(Ended)},
    "limit": {"process", "user"},
    "decision": {"admitted", "refused", *IDEMPOTENCY_DECISIONS.counts},
}


class Scraped(dict[tuple[str, tuple[tuple[str, str], ...]], float]):
    """Samples by name and labels."""

    def of(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels, with any others."""
        return sum(
            value
            for (sample, given), value in self.items()
            if sample == name and labels.items() <= dict(given).items()
        )


def scraped(text: str) -> Scraped:
    return Scraped(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


async def scrape(gateway: Gateway) -> Scraped:
    response = await gateway.http.get("/metrics")
    assert response.status_code == 200
    return scraped(response.text)


async def test_metrics_need_no_tenant(gateway: Gateway) -> None:
    """/metrics responds without a tenant, in the format of the Accept header."""
    plain = await gateway.http.get("/metrics")
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    named = await gateway.http.get("/metrics", headers=accept)

    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert named.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert named.text.endswith("# EOF\n")


async def test_metrics_can_be_disabled() -> None:
    """METRICS=0 leaves the path out."""
    async with open_gateway(metrics=False) as gateway:
        await gateway.data(LOANS)

        assert (await gateway.http.get("/metrics")).status_code == 404


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_an_operation_is_counted(execution: str) -> None:
    """Kind, outcome, time, calls by upstream and route, batches, hits and embedded links are counted."""
    async with open_gateway(execution=execution) as gateway:
        for _ in range(3):
            await gateway.data(LOANS)

        result = await scrape(gateway)

    assert result.of(OPERATIONS) == result.of(OPERATIONS, kind="query", outcome="success") == 3
    total_seconds = result.of("gateway_operation_duration_seconds_sum")
    upstream = result.of("gateway_upstream_call_duration_seconds_sum")
    assert 0 < upstream < total_seconds
    assert result.of("gateway_operation_duration_seconds_bucket", le="+Inf") == 3 * 1.0
    assert result.of(CALLS) == 6
    assert result.of(CALLS, upstream="bff", method="GET", route="/circulation-bff/loans", status="2xx") == 3
    assert result.of(CALLS, upstream="folio", method="GET", route="/groups", status="2xx") == 3
    assert result.of("gateway_loader_batch_keys_count") == 6
    assert result.of("gateway_loader_batch_keys_sum") == 9
    assert result.of("gateway_loader_hits_total") == 9
    assert result.of("gateway_embedded_links_total") == 15
    assert result.of("gateway_plans_executed_total") == (3 if execution == "plan" else 0)
    assert result.of("gateway_operations_in_flight") == 0


async def test_no_label_is_unbounded() -> None:
    """All labels have values from closed lists, for any operation of any tenant."""
    async with open_gateway(look_up_timeout=0.2) as gateway:
        for name, screen in vars(screens).items():
            if name.startswith("test_w"):
                await execute_screen(screen(gateway))
        for number in range(30):
            tenant = {"X-Okapi-Tenant": f"tenant_{number}"}
            await gateway.execute(f"query Q{number} {{ loans {{ nodes {{ id }} }} }}", headers=tenant)
            await gateway.execute(f'{{ user(barcode: "{number}") {{ id nope }} }}')
        for kind in ("status", "html", "reset", "empty", "wrong_shape"):
            gateway.sandbox.faults.add(kind=kind)
            await gateway.execute(LOANS)
            await gateway.execute(CHECK_IN, headers=gateway.as_staff())
            gateway.sandbox.faults.clear()
        await gateway.http.get("/graphql?query=%7B", headers={"X-Okapi-Tenant": "diku"})
        result = await scrape(gateway)

    values = defaultdict[str, set[str]](set)
    for _, labels in result:
        for label, value in labels:
            values[label].add(value)
    assert values.pop("le")
    assert {label: sorted(given - CLOSED[label]) for label, given in values.items()} == {
        label: [] for label in CLOSED
    }
    assert len(values["route"]) > 20
    assert len(values["status"]) > 3
    gateway_metrics = [name for name, _ in result if name.startswith("gateway_")]
    assert len(gateway_metrics) < 3000


CHECK_IN = """
  mutation { checkIn(input: {
    itemBarcode: "1", servicePointId: "00000000-0000-4000-8000-000000000001"
  }) { __typename } }
"""


async def execute_screen(screen: object) -> None:
    """Execute a screen's operations regardless of their results, which other tests check."""
    try:
        await screen  # type: ignore[misc]  # the test functions of the screens are coroutines
    except (AssertionError, KeyError, TypeError, StopIteration, RuntimeError, IndexError):
        return


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status", "status": 500}, "5xx", "UPSTREAM_ERROR"),
        ({"kind": "status", "status": 403, "body": "no"}, "4xx", "FORBIDDEN"),
        ({"kind": "reset"}, "unavailable", "UPSTREAM_UNAVAILABLE"),
        ({"kind": "slow", "delay": 5.0}, "timeout", "UPSTREAM_TIMEOUT"),
    ],
)
async def test_calls_that_fail(fault: dict[str, object], status: str, code: str) -> None:
    """A call counts once for all its attempts, by the class of its status or the reason without one."""
    async with open_gateway(read_timeout=1, read_attempts=1, lists_from="bff") as gateway:
        gateway.sandbox.faults.add(path="/circulation-bff/loans", **fault)  # type: ignore[arg-type]  # by kind
        await gateway.execute("{ loans { nodes { id } } }")
        result = await scrape(gateway)

    assert result.of(CALLS) == result.of(CALLS, status=status, route="/circulation-bff/loans") == 1
    assert result.of("gateway_errors_total") == result.of("gateway_errors_total", code=code) == 1
    assert result.of(OPERATIONS, kind="query", outcome="partial") == 1


async def test_retries_and_breakers_are_counted() -> None:
    """Retries and open circuit breakers are counted by upstream."""
    async with open_gateway(lists_from="bff") as gateway:
        before = await scrape(gateway)  # breakers are counted for the process, and tests share it
        gateway.sandbox.faults.add(kind="status", status=503, path="/circulation-bff/loans", times=1)
        await gateway.data("{ loans { nodes { id } } }")
        again = await scrape(gateway)
        gateway.sandbox.faults.add(kind="status", status=503, path="/circulation-bff/loans")
        for _ in range(30):
            await gateway.execute("{ loans { nodes { id } } }")
        circuit_open = await scrape(gateway)

    assert again.of("gateway_upstream_retries_total") == 1
    assert again.of("gateway_upstream_retries_total", upstream="bff") == 1
    assert again.of("gateway_circuit_breakers_open") == before.of("gateway_circuit_breakers_open")
    for upstream, opened in (("folio", 0), ("bff", 1), ("polaris", 0)):
        result = [
            each.of("gateway_circuit_breakers_open", upstream=upstream) for each in (before, circuit_open)
        ]
        assert result[1] - result[0] == opened
    assert circuit_open.of(CALLS, status="unavailable") > 0  # not sent


async def test_every_operation_is_counted_once(gateway: Gateway) -> None:
    """Operations are counted once, regardless of their number between two scrapes."""
    result = []
    for operations in (1, 2 * BATCH + 1, 0):
        for _ in range(operations):
            await gateway.data("{ __typename }")
        result.append((await scrape(gateway)).of(OPERATIONS))

    assert result == [1, 2 * BATCH + 2, 2 * BATCH + 2]


def test_operations_are_counted_without_a_scrape() -> None:
    """Records of operations are counted in batches, and only one batch is kept."""
    metrics, of = Metrics(), {"kind": "none", "outcome": "abandoned"}
    counted = []
    for _ in range(2 * BATCH):
        metrics.start()
        metrics.end(OperationRecord())
        counted.append(metrics.registry.get_sample_value(OPERATIONS, of))

    many = BATCH
    assert counted == [0] * (many - 1) + [many] * many + [2 * many]


async def test_mutations_are_counted_by_outcome(gateway: Gateway) -> None:
    """Each mutation counts once, by its outcome."""
    await gateway.execute(CHECK_IN, headers=gateway.as_staff())
    gateway.sandbox.faults.add(kind="html", path="/circulation-bff/loans/check-in")
    await gateway.execute(CHECK_IN, headers=gateway.as_staff())

    result = await scrape(gateway)

    assert result.of("gateway_mutations_total", mutation="checkIn", outcome="UPSTREAM_REJECTED") == 1
    assert result.of("gateway_mutations_total", mutation="checkIn", outcome="OUTCOME_UNKNOWN") == 1
    assert result.of("gateway_mutations_total") == 2
    assert result.of("gateway_running_mutations") == 0


async def test_refused_requests_are_counted() -> None:
    """Requests beyond MAX_OPERATIONS are counted, and the decisions of the rate limit."""
    async with open_gateway(max_operations=1, rate_limit="2/minute") as gateway:
        gateway.sandbox.faults.add(kind="slow", delay=2)
        running = asyncio.create_task(gateway.execute("{ loans { nodes { id } } }"))
        await asyncio.sleep(0.1)
        during = await scrape(gateway)
        assert (await gateway.execute("{ __typename }"))["errors"][0]["extensions"]["code"] == "OVERLOADED"
        await running
        gateway.sandbox.faults.clear()
        await gateway.data("{ __typename }")
        assert (await gateway.execute("{ __typename }"))["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        after = await scrape(gateway)

    assert during.of("gateway_operations_in_flight") == 1
    assert after.of("gateway_operations_in_flight") == 0
    assert after.of("gateway_operations_shed_total") == 1
    assert after.of("gateway_rate_limit_decisions_total", decision="admitted") == 2
    assert after.of("gateway_rate_limit_decisions_total", decision="refused") == 1
    assert after.of(OPERATIONS, outcome="refused") == 1


async def test_decisions_about_keys_are_counted() -> None:
    """A keyed mutation is counted by the decision about its key, which its log line has too."""
    async with open_gateway() as gateway:
        headers = gateway.as_staff() | {"Idempotency-Key": "1"}
        with logged() as lines:
            for _ in range(2):
                await gateway.data(LOCK, headers=headers)
            await gateway.data(LOCK, headers=gateway.as_staff())
        result = await scrape(gateway)

    counter = "gateway_idempotency_decisions_total"
    assert [result.of(counter, decision=each) for each in ("new", "replayed", "in_use")] == [1, 1, 0]
    assert [each.get("idempotency") for each in lines.of("operation")] == ["new", "replayed", None]


async def test_fallbacks_are_counted_by_reason() -> None:
    """A record that does not match its type is resolved by graphql-core, and counted as a fallback."""
    async with open_gateway(execution="plan") as gateway:
        gateway.sandbox.faults.add(
            kind="wrong_shape", path="/circulation-bff/loans", shape={"loans": [{"id": "1", "item": 7}]}
        )
        await gateway.execute("{ loans { nodes { id item { title } } } }")
        result = await scrape(gateway)

    reasons = {
        reason: result.of("gateway_plan_fallbacks_total", reason=reason) for reason in get_args(Reason)
    }
    assert sum(reasons.values()) == 1
    assert result.of("gateway_plans_executed_total") == 1


async def test_calls_to_an_unavailable_store_are_counted() -> None:
    """Failed and skipped calls to the shared store are counted, although clients do not notice them."""
    async with open_gateway(
        rate_limit="600/minute", redis_url="redis://127.0.0.1:1/0", redis_timeout=0.2
    ) as gateway:
        for _ in range(2):
            await gateway.data("{ __typename }")
        result = await scrape(gateway)

    assert result.of("gateway_redis_calls_total", outcome="failure") == 1
    assert result.of("gateway_redis_calls_total", outcome="skipped") == 1
    assert result.of("gateway_redis_calls_total", outcome="success") == 0


async def test_disconnected_clients_are_counted() -> None:
    """The query of a disconnected client counts as abandoned, and its upstream call as cancelled."""
    app = create_app(Settings(sandbox=True), transport=lambda limits: httpx.MockTransport(never))
    body = json.dumps({"query": "{ loans { nodes { id } } }"}).encode()
    incoming: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there")

    headers = [(b"content-type", b"application/json"), (b"x-okapi-tenant", b"diku")]
    await app(
        {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b""},
        receive,
        send,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http:
        result = scraped((await http.get("/metrics")).text)

    assert result.of(OPERATIONS, kind="query", outcome="abandoned") == 1
    assert result.of(CALLS, status="cancelled") == 1


async def never(request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
