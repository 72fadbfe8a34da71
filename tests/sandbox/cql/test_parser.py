"""The CQL parser: supported queries, errors, and matches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.collections.collection import scalar_values, split_index
from gateway.sandbox.cql.parser import parse_query
from gateway.sandbox.cql.terms import CqlError, Scalar, fold

Record = dict[str, Any]


def lookup(record: Record, index: str) -> Sequence[Scalar]:
    return scalar_values(record, split_index(index))


def matches(query: str, record: Record) -> bool:
    return parse_query(query).where.matches(record, lookup)


def literal(text: str) -> str:
    return '"' + "".join("\\" + letter if letter in '*?^"\\' else letter for letter in text) + '"'


@given(st.text())
def test_literal_matches_its_value(text: str) -> None:
    """Any text, with its masks escaped, equals itself."""
    assert matches(f"barcode=={literal(text)}", {"barcode": text})


@given(st.text(), st.text())
def test_literal_matches_only_equal_values(queried: str, stored: str) -> None:
    """An escaped value matches another one only if they differ in case or accents alone."""
    assert matches(f"barcode=={literal(queried)}", {"barcode": stored}) is (fold(queried) == fold(stored))


@given(st.text(alphabet='ab*?^"\\ ()=<>/'), st.text(alphabet='ab*?^"\\ ()=<>/'))
def test_values_cannot_escape_their_quotes(queried: str, stored: str) -> None:
    """Symbols of the language inside a literal stay text, in a list of values too."""
    assert matches(f"barcode==({literal(queried)} or {literal(queried)})", {"barcode": stored}) is (
        queried == stored
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('name=="Circ Desk 1"', True),
        ('name=="circ desk 1"', True),
        ('name=="Circ"', False),
        ('name=="Circ*"', True),
        ('name=="*1"', True),
        ('name=="Circ ???? 1"', True),
        ('name=="^Circ Desk 1^"', True),
        ('name="desk"', True),
        ('name="desk circ"', False),
        ('name="circ desk"', True),
        ('name all "desk circ"', True),
        ('name any "nothing desk"', True),
        ('name adj "desk 1"', True),
        ('name="des*"', True),
        ('name<>"Circ Desk 1"', False),
        ('name<>"Other"', True),
        ('missing<>"Other"', False),
        ('name=""', True),
        ('missing=""', False),
        ('name==""', False),
        ('empty==""', True),
        ('cql.allRecords=1 NOT missing=""', True),
        ("pickup==true", True),
        ("pickup=false", False),
        ("number==7", True),
        ('number=="7"', True),
        ("number>6", True),
        ("number>10", False),
        ('text>"10"', True),
        ('text>/number "10"', False),
        ('text==/number "7.0"', True),
        ('date<"2026-12-01"', True),
        ('date>="2026-12-01"', False),
        ('id=="7C9E6679-7425-40DE-944B-E07FC1F90AE7"', True),
        ('id="7c9e6679-7425-40de-944b-e07fc1f90ae7"', True),
        ('id==("x" or "7c9e6679-7425-40de-944b-e07fc1f90ae7")', True),
        ("id==(x or y)", False),
        ('tags.tagList=="urgent"', True),
        ('people.name=="Austen, Jane"', True),
        ('people="austen"', True),
        ('name=="Circ Desk 1" and number==8', False),
        ('name=="Circ Desk 1" not number==8', True),
        ("query=(pickup==true)", True),
        ('"name"=="Circ Desk 1"', True),
        ("name==Circ\\*", False),
    ],
)
def test_relations(query: str, expected: bool) -> None:
    """Each relation matches as raml-module-builder's does."""
    record = {
        "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "name": "Circ Desk 1",
        "empty": "",
        "pickup": True,
        "number": 7,
        "text": "7",
        "date": "2026-11-22T10:00:00.000+00:00",
        "tags": {"tagList": ["gift", "urgent"]},
        "people": [{"name": "Grant, Fiona"}, {"name": "Austen, Jane"}],
    }
    assert matches(query, record) is expected


def test_accents_are_ignored() -> None:
    """Values are compared without accents, as PostgreSQL's unaccent does for FOLIO."""
    assert matches('name=="Bronte"', {"name": "Brontë"})


def test_booleans_bind_equally_from_the_left() -> None:
    """`a or b and c` means `(a or b) and c`."""
    record = {"a": "1", "b": "0", "c": "0"}

    assert not matches("a==1 or b==1 and c==1", record)
    assert matches("a==1 or (b==1 and c==1)", record)


def test_or_escapes_a_prepended_condition() -> None:
    """The known trap of prepending text: the second branch of an `or` is not restricted."""
    hidden = {"routing": "true", "name": "B"}
    assert matches('cql.allRecords=1 not routing==true and name=="A" or name=="B"', hidden)


def test_ids_of_a_query() -> None:
    """A query for ids, alone or narrowed, is evaluated from the keys."""
    assert parse_query('id==("A" or "b")').ids() == frozenset({"a", "b"})
    assert parse_query('(id==("a" or "b")) and (x==1)').ids() == frozenset({"a", "b"})
    assert parse_query('id=="a" or x==1').ids() is None
    assert parse_query('x=="a"').ids() is None


def test_sort_keys() -> None:
    """Direction and number are modifiers; `desc` is just another key."""
    sort = parse_query("cql.allRecords=1 sortby a/sort.descending b/number desc").sort
    assert [(key.index, key.descending, key.number) for key in sort] == [
        ("a", True, False),
        ("b", False, True),
        ("desc", False, False),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "name",
        "name==",
        'name=="open',
        '(name=="a"',
        'name=="a")',
        'name=="a" "b"',
        "name==a/b",
        'name=="a" and',
        'name=="a\\',
        "name==a\\",
        'name=="a^b"',
        "name==/unknown a",
        'name=="a" sortby',
        'name=="a" sortby b/sideways',
        "(" * 300 + "a==1" + ")" * 300,
    ],
)
def test_unsupported_queries_are_errors(query: str) -> None:
    """A query outside the subset is an error, never a guess."""
    with pytest.raises(CqlError):
        parse_query(query)


def test_masks_have_no_order() -> None:
    """A masked value cannot be compared for less or greater."""
    with pytest.raises(CqlError):
        matches('date<"2026*"', {"date": "2026"})


@given(st.text(alphabet='ab*"\\()=<>/ orandnot^?.'))
def test_parsing_ends_in_a_query_or_a_cql_error(text: str) -> None:
    """No text makes the parser fail in any other way."""
    try:
        query = parse_query(text)
    except CqlError:
        return
    json.dumps(sorted(query.indexes))
