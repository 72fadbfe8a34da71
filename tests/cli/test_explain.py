"""`explain`: the plan of an operation in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.settings import Settings

BORROWERS = "query Borrowers($n: Int = 100) { loans(first: $n) { nodes { borrower { barcode username } } } }"


@pytest.fixture(name="clean_environment", autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower() in Settings.declarations():
            monkeypatch.delenv(name)


def explain(folder: Path, document: str, *options: str, variables: str | None = None) -> Result:
    """Run the command on a document, and on variables in a file."""
    file = folder / "operation.graphql"
    file.write_text(document, encoding="utf-8")
    if variables is not None:
        (folder / "variables.json").write_text(variables, encoding="utf-8")
        options = ("--variables", str(folder / "variables.json"), *options)
    return CliRunner().invoke(cli, ["explain", str(file), *options])


def test_a_plan_as_text(tmp_path: Path) -> None:
    """The sums with their limits, a row for each call, and a row for each link."""
    result = explain(tmp_path, BORROWERS, "--lists-from", "circulation")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Upstream calls: 3 of at most 100 (MAX_COST)",
        "Records in the result: 100 of at most 100000 (MAX_RESULT_NODES)",
        "",
        "Call  After  Times  Keys  Service      Route                   For",
        "1     -      1      -     circulation  GET /circulation/loans  loans",
        "2     1      2      75    users        GET /users              loans.nodes.borrower",
        "",
        "Link                  Cost",
        "loans.nodes.borrower  `username` costs one call for every 75 records; `barcode` is free",
    ]


def test_variables_and_limits_decide(tmp_path: Path) -> None:
    """Without variables their defaults count; the limits are those of the settings."""
    plans = [
        json.loads(explain(tmp_path, BORROWERS, "--json", *options, variables=variables).stdout)
        for options, variables in (([], None), ([], '{"n": 10}'), (["--batch-size", "25"], None))
    ]

    assert [each["estimate"] for each in plans] == [
        {"calls": 3, "nodes": 100},
        {"calls": 2, "nodes": 10},
        {"calls": 5, "nodes": 100},
    ]
    assert [each["calls"][1]["batch"] for each in plans] == [75, 75, 25]
    assert plans[2]["limits"]["batchSize"] == 25
    assert all("actual" not in each for each in plans)


def test_the_standard_input_and_one_of_several_operations() -> None:
    """`-` reads the standard input; `--operation` is required if it has several operations."""
    document = f"{BORROWERS} query Loans {{ loans {{ nodes {{ id }} }} }}"
    named = CliRunner().invoke(cli, ["explain", "-", "--operation", "Loans"], input=document)
    unnamed = CliRunner().invoke(cli, ["explain", "-"], input=document)

    assert named.stdout.startswith("Upstream calls: 1 of at most 100 (MAX_COST)\n")
    assert unnamed.exit_code == 1
    assert "`operationName` is required" in unnamed.stderr


def test_a_subscription_has_the_calls_of_each_result(tmp_path: Path) -> None:
    """The record that has changed is read again, with its links."""
    document = 'subscription { loanChanged(id: "1") { loan { borrower { username } } } }'
    result = explain(tmp_path, document, "--lists-from", "circulation")

    assert result.stdout.splitlines()[3:6] == [
        "Call  After  Times  Keys  Service      Route                   For",
        "1     -      1      -     circulation  GET /circulation/loans  loanChanged",
        "2     1      1      75    users        GET /users              loanChanged.loan.borrower",
    ]


@pytest.mark.parametrize(
    ("document", "variables", "status", "message"),
    [
        ("{ loanz }", None, 1, "Error: Cannot query field 'loanz' on type 'Query'."),
        (BORROWERS, '{"n": "x"}', 1, "Error: Variable '$n' has invalid value"),
        (BORROWERS, "[]", 2, "variables.json: must be a JSON object"),
        (BORROWERS, "{", 2, "variables.json: is not JSON"),
        (BORROWERS, '{"n": NaN}', 2, "variables.json: is not JSON"),
    ],
)
def test_invalid_input_is_reported(
    tmp_path: Path, document: str, variables: str | None, status: int, message: str
) -> None:
    """Errors of the document and of variables are listed, with 1; a file that cannot be used, with 2."""
    result = explain(tmp_path, document, variables=variables)

    assert (result.exit_code, result.stdout) == (status, "")
    assert message in result.stderr


def test_the_source_of_lists_decides_the_routes(tmp_path: Path) -> None:
    """The plan has the routes that LISTS_FROM permits, and circulation's where the BFF drops a member."""
    document = "{ loans { nodes { id } } requests { nodes { tags { tagList } } } }"
    routes = {}
    for source in ("auto", "bff", "circulation"):
        calls = json.loads(explain(tmp_path, document, "--json", "--lists-from", source).stdout)["calls"]
        routes[source] = [(each["route"], each["alternatives"]) for each in calls]

    from_circulation = ("/circulation/requests", list[str]())
    assert routes == {
        "auto": [("/circulation-bff/loans", ["GET /circulation/loans"]), from_circulation],
        "bff": [("/circulation-bff/loans", []), from_circulation],
        "circulation": [("/circulation/loans", []), from_circulation],
    }
