"""A gateway process, and the scripts of this folder beside it: typed by graphql-codegen, compiled by tsc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.cli.schema import print_schema
from tests.clients.node import DOCUMENTED, PATIENCE, Workspace, gateway_over_sandbox, packages, workspace

HERE = Path(__file__).parent


@pytest.fixture(scope="session", name="url")
def _url() -> Iterator[str]:
    """A gateway that all tests of this folder share: each acts on an item, or locks an object, of its own."""
    with gateway_over_sandbox() as url:
        yield url


@pytest.fixture(name="http")
def _http(url: str) -> Iterator[httpx.Client]:
    """A plain HTTP client of the gateway."""
    headers = {"X-Okapi-Tenant": "diku"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session", name="written")
def _written(url: str, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The scripts of this folder with the URL of the gateway."""
    cache = pytestconfig.cache
    assert cache is not None
    texts = {
        path.name: path.read_text(encoding="utf-8").replace(DOCUMENTED, url)
        for path in (*HERE.glob("*.ts"), *HERE.glob("*.mjs"), *HERE.glob("*.json"))
    }
    texts["schema.graphql"] = print_schema(incremental=True)
    return workspace(tmp_path_factory.mktemp("clients"), texts, packages(HERE, cache))


@pytest.fixture(scope="session", name="built")
def _built(written: Workspace) -> Workspace:
    """The scripts with the types that graphql-codegen makes of their operations, and compiled in `built/`."""
    generated = written.package("graphql-codegen", "--config", "codegen.ts")
    assert generated.returncode == 0, generated.stdout + generated.stderr
    compiled = written.package("tsc", "--project", ".")
    assert (compiled.returncode, compiled.stdout) == (0, "")
    return written
