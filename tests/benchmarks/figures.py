"""Counters of a server, read from its metrics."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks import driver
from tests.benchmarks.processes import Process

_PLANNED = "gateway_plans_executed_total"
_FALLBACKS = "gateway_plan_fallbacks_total"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Lists and objects that plans executed since the server began, and fallbacks by their reason."""

    planned: int
    fallbacks: dict[str, int]


async def execution(process: Process, path: str) -> Execution:
    """Read them from the metrics of a server. Raises `driver.UnexpectedResponse` if it has none."""
    response = await driver.execute(process.url, driver.encode_request("GET", path, headers={}))
    if response.status != 200:
        raise driver.UnexpectedResponse(f"{path}: status {response.status}: {response.body[:500]!r}")
    samples = [
        sample
        for family in text_string_to_metric_families(response.body.decode())
        for sample in family.samples
    ]
    return Execution(
        planned=sum(int(each.value) for each in samples if each.name == _PLANNED),
        fallbacks={each.labels["reason"]: int(each.value) for each in samples if each.name == _FALLBACKS},
    )
