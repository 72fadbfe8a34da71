"""GraphQL over HTTP, checked by the audits of graphql-http, the reference implementation."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.clients.node import gateway_over_sandbox, needs_node, packages, workspace

HERE = Path(__file__).parent


@needs_node
def test_every_audit_passes(cache: pytest.Cache, tmp_path: Path) -> None:
    """All 61 audits of a server pass, for MUST, SHOULD and MAY."""
    sources = {name: (HERE / name).read_text(encoding="utf-8") for name in ("package.json", "audits.mjs")}
    audits = workspace(tmp_path, sources, packages(HERE, cache))

    with gateway_over_sandbox() as url:
        results = json.loads(audits.node("audits.mjs", f"{url}/graphql"))

    assert [result for result in results if result["status"] != "ok"] == []
    assert len({result["id"] for result in results}) == len(results) == 61
    assert Counter(result["name"].split()[0] for result in results) == {
        "MUST": 13,
        "SHOULD": 23,
        "MAY": 25,
    }
