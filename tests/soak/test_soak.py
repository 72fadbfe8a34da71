"""Ten thousand operations of two tenants over an upstream with faults: none lost, duplicated or mixed up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.manual.pages import documented_codes
from tests.soak.soak_run import DESKS, OPERATIONS, Report

PROJECT = Path(__file__).parents[2]
TIMEOUT = 300  # seconds, on a slow and busy machine; a quiet one takes 30


@pytest.fixture(scope="module", name="report")
def _report() -> Report:
    """Run the soak in a separate process, so that its memory can be measured."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.soak.soak_run"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT,
    )
    return msgspec.json.decode(process.stdout, type=Report)


def test_run_covers_every_kind(report: Report) -> None:
    """Each kind of operation and of fault occurred many times, and most writes succeeded."""
    assert OPERATIONS <= report.operations < OPERATIONS + DESKS
    assert all(count > 200 for count in report.kinds.values()), report.kinds
    assert len(report.kinds) == 8
    assert len(report.faults) == 7
    for outcome in (
        "checkOut CheckedOut",
        "checkIn CheckedIn",
        "lockObject ObjectLocked",
        "unlockObject ObjectUnlocked",
        "createRequest RequestCreated",
        "cancelRequest RequestCancelled",
    ):
        assert report.outcomes[outcome] > 40, outcome
    for name in ("checkOut", "checkIn"):  # whose responses are lost
        unknown, confirmed = report.outcomes[f"{name} OUTCOME_UNKNOWN"], report.outcomes[f"{name} confirmed"]
        assert unknown + confirmed > 40, name
        assert unknown > 10, name
        assert confirmed > 10, name
    print(  # noqa: T201 - for the manual
        f"\n{report.operations} operations, {report.writes} writes, {sum(report.faults.values())} faults; "
        f"{(report.operations - 2000) / report.seconds:.0f} operations a second; "
        f"{report.warm_bytes / 1e6:.0f} MB when warm, {report.end_bytes / 1e6:.0f} MB at the end"
    )


def test_no_write_is_lost(report: Report) -> None:
    """A successful write is stored, a refused one is not, and only an unknown outcome may be either."""
    assert report.lost == []


def test_no_write_is_repeated(report: Report) -> None:
    """The upstream receives each write once, even if its response fails."""
    assert report.doubled == []


def test_callers_are_isolated(report: Report) -> None:
    """No record, barcode, token, cookie or request id of one caller reaches another."""
    assert report.foreign == []


def test_every_operation_gets_data(report: Report) -> None:
    """With every fault the response is a 200 with data."""
    assert set(report.statuses) == {200}
    assert report.malformed == []


def test_every_code_is_documented(report: Report) -> None:
    """Each error has a documented code, and none is an internal error."""
    assert set(report.codes) <= set(documented_codes()) - {"INTERNAL_ERROR"}


def test_memory_is_stable(report: Report) -> None:
    """After the first 2000 operations memory grows by at most a tenth."""
    assert report.end_bytes < report.warm_bytes * 1.1
