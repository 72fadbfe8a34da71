"""Persisted documents, deferred fragments and generated manifests with real clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.schema import print_schema
from tests.clients.node import PATIENCE, Workspace, needs_node, packages, workspace
from tests.clients.test_clients import nameless
from tests.server.edge import gateway_process

HERE = Path(__file__).parent
TENANT = {"X-Okapi-Tenant": "diku"}
PARTS = "multipart/mixed"

CODEGEN = {
    "schema": "schema.graphql",
    "documents": ["*.ts"],
    "generates": {
        "gql/": {
            "preset": "client",
            "presetConfig": {"persistedDocuments": True, "fragmentMasking": False},
            "config": {
                "scalars": {"Date": "string", "DateTime": "string", "Decimal": "string", "JSON": "unknown"},
                "useTypeImports": True,
            },
        }
    },
}
SCREEN = """import { graphql } from "./gql";
graphql(`query Loans($first: Int) { loans(first: $first) { nodes { id ...Due } } }`);
graphql(`fragment Due on Loan { dueDate ... @defer { status { name } } }`);
"""


@pytest.fixture(scope="module", name="node_modules")
def _node_modules(pytestconfig: pytest.Config) -> Path:
    cache = pytestconfig.cache
    assert cache is not None
    return packages(HERE, cache)


@contextmanager
def gateway(*options: str) -> Iterator[httpx.Client]:
    """A gateway process over an embedded library, with a client."""
    with gateway_process("--sandbox", *options) as process:
        url = f"http://127.0.0.1:{process.port}"
        with httpx.Client(base_url=url, headers=TENANT, trust_env=False, timeout=PATIENCE) as client:
            yield client


@needs_node
def test_apollo_client_and_urql(node_modules: Path, tmp_path: Path) -> None:
    """Apollo Client registers a document once, and both Apollo Client and urql read parts."""
    script = (HERE / "documents.mjs").read_text(encoding="utf-8")
    place = workspace(tmp_path, {"documents.mjs": script}, node_modules)
    with gateway() as http:
        output = json.loads(place.node("documents.mjs", str(http.base_url)))
        loans = "{ loans(first: 2) { nodes { id borrower { id active } } } }"
        complete_response = http.post("/graphql", json={"query": loans}).json()["data"]

    plain = "application/graphql-response+json"
    # The hash alone, then the text with its hash, then the hash again.
    assert output["byHash"] == [
        [1, 1],
        [["POST", False], ["POST", True], ["POST", False]],
        [plain] * 3,
    ]
    assert output["byGet"] == [[1, 1], [["GET", False], ["GET", False]], [plain] * 2]
    for form in ("apollo", "urql"):
        states, last, _, types = output[form]
        assert types == [PARTS]
        assert states[0] == ["streaming", [False, False]]
        assert states[-1] == ["complete", [True, True]]
        assert nameless(last) == complete_response


@needs_node
def test_codegen(node_modules: Path, tmp_path: Path) -> None:
    """The output of graphql-codegen is a valid manifest, and only its ids are served."""
    sources = {
        "codegen.json": json.dumps(CODEGEN),
        "screen.ts": SCREEN,
        "schema.graphql": print_schema(incremental=True),
    }
    place: Workspace = workspace(tmp_path, sources, node_modules)
    written = place.package("graphql-codegen", "--config", "codegen.json")
    assert written.returncode == 0, written.stdout + written.stderr
    manifest = tmp_path / "gql" / "persisted-documents.json"
    texts: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    (document_id,) = texts
    checked = CliRunner().invoke(cli, ["documents", "check", str(manifest)])
    assert (checked.exit_code, checked.stdout) == (0, "1 documents, all valid\n")

    with gateway(f"--documents={manifest}", "--documents-mode=enforce") as http:
        body = {"documentId": document_id, "variables": {"first": 2}}
        result = http.post("/graphql", json=body).json()
        refused = http.post("/graphql", json={"query": "{ __typename }"}).json()

    assert [sorted(each) for each in nameless(result["data"])["loans"]["nodes"]] == [
        ["dueDate", "id", "status"]
    ] * 2
    assert refused["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
