"""A start is measured until its first response. No test depends on a time."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from tests.benchmarks import driver
from tests.benchmarks.start import main, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the accounting of Linux")


def test_both_starts_are_measured() -> None:
    """The command prints CPU time and memory over the embedded library, and over an upstream."""
    result = CliRunner().invoke(main, ["--rounds", "1"], catch_exceptions=False)

    lines = [line.split(": ") for line in result.stdout.splitlines()]
    assert [name for name, _ in lines] == ["Embedded library", "OKAPI_URL"]
    for _, figures in lines:
        seconds, _, _, _, megabytes, *_ = figures.split()
        assert float(seconds) > 0.1
        assert int(megabytes) > 10


def test_an_unexpected_response_is_no_start() -> None:
    """A start whose first query fails is not measured."""
    request = driver.encode_request("POST", "/graphql", {"query": "{ unknown }"})

    with pytest.raises(driver.UnexpectedResponse, match="unknown"):
        start({"LOG_LEVEL": "error"}, request)
