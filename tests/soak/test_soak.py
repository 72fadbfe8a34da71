"""Ten thousand operations of two libraries over an upstream that fails: none lost, doubled or mixed up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.manual.pages import documented_codes
from tests.soak.storm import DESKS, OPERATIONS, Report

PROJECT = Path(__file__).parents[2]
PATIENCE = 300  # seconds, on a slow and busy machine; a quiet one takes 30


@pytest.fixture(scope="module", name="report")
def _report() -> Report:
    """One storm, in a process of its own, whose memory is nobody else's."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.soak.storm"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=PATIENCE,
    )
    return msgspec.json.decode(ended.stdout, type=Report)


def test_everything_was_tried(report: Report) -> None:
    """The storm was one: each kind of operation many times, each kind of fault, and most acts succeeded."""
    assert OPERATIONS <= report.operations < OPERATIONS + DESKS
    assert all(times > 200 for times in report.kinds.values()), report.kinds
    assert len(report.kinds) == 8
    assert len(report.faults) == 7
    for done in (
        "checkOut CheckedOut",
        "checkIn CheckedIn",
        "lockObject ObjectLocked",
        "unlockObject ObjectUnlocked",
        "createRequest RequestCreated",
        "cancelRequest RequestCancelled",
        "checkOut OUTCOME_UNKNOWN",
        "checkIn OUTCOME_UNKNOWN",
    ):
        assert report.outcomes[done] > 40, done
    print(  # noqa: T201 - for the manual
        f"\n{report.operations} operations, {report.writes} writes, {sum(report.faults.values())} faults; "
        f"{(report.operations - 2000) / report.seconds:.0f} operations a second; "
        f"{report.warm_bytes / 1e6:.0f} MB when warm, {report.end_bytes / 1e6:.0f} MB at the end"
    )


def test_no_act_is_lost(report: Report) -> None:
    """What an answer says was done is done, what it refuses is not, and only the unknown is either."""
    assert report.lost == []


def test_no_act_is_doubled(report: Report) -> None:
    """Upstream got each act once, whatever became of the answer."""
    assert report.doubled == []


def test_nobody_sees_or_is_taken_for_another(report: Report) -> None:
    """No record, barcode, token, cookie or request id of one caller turns up at another."""
    assert report.foreign == []


def test_every_operation_is_answered(report: Report) -> None:
    """Whatever upstream does, the answer is a 200 with data."""
    assert set(report.statuses) == {200}
    assert report.malformed == []


def test_every_code_is_documented(report: Report) -> None:
    """Each error has a documented code, and none is a fault of the gateway."""
    assert set(report.codes) <= set(documented_codes()) - {"INTERNAL_ERROR"}


def test_memory_stays(report: Report) -> None:
    """After the first 2000 operations memory grows no more than a tenth."""
    assert report.end_bytes < report.warm_bytes * 1.1
