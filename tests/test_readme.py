"""The README is the manual, and everything in it is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway import errors
from gateway.graph import schema
from gateway.settings import settings_markdown
from tests.gateway_under_test import Gateway, Json, open_gateway

README = (Path(__file__).parent.parent / "README.md").read_text()
QUERIES = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)


def variables(gateway: Gateway) -> dict[str, Json]:
    """What the operations with variables are run with; the others take no notice."""
    return {
        "id": gateway.summary.request_id,
        "input": {"itemBarcode": "2000000001", "servicePointId": gateway.summary.service_point_id},
    }


def test_the_screens_are_those_that_are_played() -> None:
    """The two screens of the text are word for word the ones whose calls are counted."""
    played = {path.read_text() for path in (Path(__file__).parent / "stories" / "screens").glob("*.graphql")}

    assert len([query for query in QUERIES if query in played]) == 2


def test_there_are_queries_to_run() -> None:
    """The graph is shown in at least five operations."""
    assert len(QUERIES) >= 5


@pytest.mark.anyio
@pytest.mark.parametrize("query", QUERIES, ids=[re.findall(r"\w+", query)[1] for query in QUERIES])
async def test_every_query_runs_as_it_stands(query: str) -> None:
    """Whoever pastes a query of the README gets data, and no error."""
    async with open_gateway() as gateway:
        data = await gateway.data(query, variables(gateway), gateway.as_staff())

    assert all(value is not None for value in data.values())
    assert "reasons" not in str(data)


@pytest.mark.anyio
async def test_the_calls_that_the_text_names_are_counted() -> None:
    """`OnLoan` is one upstream call, and `Patron` three after the one for the user."""
    on_loan, patron = QUERIES[:2]
    async with open_gateway() as gateway:
        await gateway.data(on_loan)
        assert gateway.paths() == ["GET /circulation-bff/loans"]
        gateway.sandbox.calls.clear()

        await gateway.data(patron)

        assert gateway.paths()[0] == "GET /users"
        assert sorted(gateway.paths()[1:]) == [
            "GET /circulation-bff/loans",
            "GET /circulation-bff/requests",
            "GET /groups",
        ]


def test_the_settings_are_those_of_the_code() -> None:
    """The table of settings is the one that the code has."""
    assert settings_markdown().strip() in README


def codes(root: type[errors.GatewayError]) -> set[str]:
    return {root.code}.union(*(codes(each) for each in root.__subclasses__()))


def test_the_error_codes_are_those_of_the_code() -> None:
    """The table of codes lists each code of the tree, and the two about the document."""
    table = README[README.index("## Errors") : README.index("## Settings")]
    listed = re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)

    assert len(listed) == len(set(listed))
    assert set(listed) == codes(errors.GatewayError) | {
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "DOCUMENT_NOT_TRUSTED",
        "PERSISTED_QUERY_NOT_FOUND",
        "PERSISTED_QUERY_NOT_SUPPORTED",
    }


def test_worth_another_try_is_what_the_code_says() -> None:
    """A code is marked as worth another try where its class is retryable."""
    table = README[README.index("## Errors") : README.index("## Settings")]
    marked = {
        code
        for code, mark in re.findall(r"^\| `([A-Z_]+)` \|.*\| (\w[\w ]*) \|$", table, re.MULTILINE)
        if mark == "yes"
    }
    tree = [errors.GatewayError]
    for each in tree:
        tree += each.__subclasses__()

    assert marked == {each.code for each in tree if each.retryable}


def test_the_two_commands_are_there() -> None:
    """Start and tests are one line each."""
    assert "\npip install . && circulation-gateway\n" in README
    assert "\npip install -e '.[test]' && pytest\n" in README


def test_the_acts_are_those_of_the_graph() -> None:
    """The table of acts names each mutation, and nothing that is none."""
    table = README[README.index("### MutationState") : README.index("### How to read it")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    mutation = schema._schema.mutation_type
    assert mutation is not None

    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(mutation.fields)


@pytest.mark.parametrize(
    "name", ["codegen.ts", "apollo.ts", "urql.ts", "graphql-request.ts", "python_gql.py"]
)
def test_the_clients_are_those_that_are_run(name: str) -> None:
    """Each snippet for a client is word for word the file that is run against a gateway process."""
    language = "python" if name.endswith(".py") else "ts"
    text = (Path(__file__).parent / "clients" / name).read_text()
    assert f"```{language}\n{text}```" in README
