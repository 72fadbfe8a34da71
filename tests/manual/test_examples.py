"""Every operation of the manual runs unchanged, with the result and the calls that its page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.graph import schema
from tests.gateway_under_test import Json, estimated_calls, open_gateway
from tests.manual.pages import EXAMPLES, Example, section

pytestmark = pytest.mark.anyio

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
SCREENS = Path(__file__).parents[1] / "stories" / "screens"


def without_dates(value: Json) -> Json:
    """Replace the dates of a result, which move with the day on which the library is seeded."""
    if isinstance(value, dict):
        return {name: without_dates(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_dates(each) for each in value]
    return "a date" if isinstance(value, str) and DATE.fullmatch(value) else value


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
async def test_every_operation_runs(example: Example) -> None:
    """An operation returns data without errors, and the result and the calls that the page shows.

    They are never more than was estimated.
    """
    async with open_gateway() as gateway:
        data = await gateway.data(example.query, example.variables, gateway.as_staff("head"))
        calls = [ID.sub("{id}", path) for path in gateway.paths()]

    assert all(value is not None for value in data.values())
    assert len(calls) <= estimated_calls(example.query, example.variables)
    if example.result is None:
        assert "reasons" not in str(data)
    else:
        assert without_dates({"data": data}) == without_dates(example.result)
    if example.calls is not None:
        assert sorted(calls) == sorted(example.calls)


def test_every_page_of_operations_has_examples() -> None:
    """README, five pages on queries and mutations, and that for users of mod-graphql show operations."""
    pages = {example.page for example in EXAMPLES}

    assert pages >= {"README", "queries", "mutations", "desk", "fees", "reading", "coming-from-mod-graphql"}
    assert sum(example.calls is not None for example in EXAMPLES) >= 7


def test_names_of_operations_are_unique() -> None:
    """Each operation can be selected by its name when the tests are run."""
    names = [example.name for example in EXAMPLES]

    assert len(names) == len(set(names))


def test_the_screens_are_those_with_counted_calls() -> None:
    """The three screens are character by character those of tests/stories, whose calls are counted there."""
    screens = {path.read_text(encoding="utf-8") for path in SCREENS.glob("*.graphql")}

    assert sum(example.query in screens for example in EXAMPLES) == 3


def test_the_table_of_mutations_is_complete() -> None:
    """The table names each mutation of the schema, and nothing else."""
    rows = re.findall(r"^\| (`.*?) \|", section("mutations", "All mutations"), re.MULTILINE)
    names = re.findall(r"`(\w+)`", " ".join(rows))
    mutation = schema._schema.mutation_type
    assert mutation is not None

    assert len(names) == len(set(names))
    assert set(names) == set(mutation.fields)
