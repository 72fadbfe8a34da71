"""Two hundred clients, a quarter of them hostile: the others are served in time, and no write is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.soak.memory import CONTAINER_LIMIT
from tests.soak.storm import Report

PROJECT = Path(__file__).parents[2]
TIMEOUT = 120  # seconds for a storm
MAX_WAIT = 250.0  # milliseconds


@pytest.fixture(scope="module", name="report")
def _report() -> Report:
    process = subprocess.run(
        [sys.executable, "-m", "tests.soak.storm"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT,
    )
    report = msgspec.json.decode(process.stdout, type=Report)
    print(  # noqa: T201 - to be read with -s
        f"\nsimple queries {report.simple}, with a CPU {report.simple_with_cpu}, without upstream "
        f"{report.typename}, before the storm {report.calm}; health {report.health}, with a CPU "
        f"{report.health_with_cpu}; upstream {report.upstream}; "
        f"{report.peak_bytes / 2**20:.0f} MiB; the gateway ran {report.gateway_ran:.0%} of the time and "
        f"waited for a CPU {report.gateway_queued:.0%} of it; {report.hostile}"
    )
    return report


def test_neighbours_are_served_in_time(report: Report) -> None:
    """A simple query of a neighbour takes less than 250 ms (p99), and none fails."""
    assert report.errors == []
    assert report.simple.number > 1500
    assert report.simple_with_cpu.p99 < MAX_WAIT


def test_health_is_reported_in_time(report: Report) -> None:
    """The health check responds within 250 ms (p99)."""
    assert report.health.number > 100
    assert report.health_with_cpu.p99 < MAX_WAIT


def test_a_dead_module_and_a_slow_one_cost_their_own_fields(report: Report) -> None:
    """A user is read without the accounts of the dead module, and with the blocks of the slow one."""
    assert set(report.careful) == {"UPSTREAM_UNAVAILABLE", "data"}
    assert all(count > 20 for count in report.careful.values())


def test_memory_stays_within_the_limit_of_the_container(report: Report) -> None:
    """The resident memory of the gateway never exceeds that of the manual's deployment."""
    assert report.peak_bytes < CONTAINER_LIMIT


def test_no_write_is_lost_or_doubled(report: Report) -> None:
    """Each write is received at most once, and once if it is reported as done."""
    assert report.lost == []
    assert report.doubled == []
    assert report.writes["checkOut CheckedOut"] > 100
    assert report.writes["checkIn CheckedIn"] > 100
    assert report.writes["checkOut OUTCOME_UNKNOWN"] > 10


def test_the_hostile_tenant_is_served_or_refused(report: Report) -> None:
    """Hostile clients get responses, the largest as their turns come, and silent sockets are closed."""
    assert {each.partition(":")[0] for each in report.hostile} >= {
        "29 schemas",
        "30 wide pages",
        "90 dead links",
        "90 slow links",
        "90,000 loans of a patron",
        "a megabyte",
        "a million loans of a patron",
        "a schema",
        "silence",
    }
    assert {each.rpartition(": ")[2][:3] for each in report.hostile} <= {"200", "408", "503"}
