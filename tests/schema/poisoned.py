"""Invalid records of upstream: each member in turn missing, null or of another type."""

from __future__ import annotations

import copy
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from gateway.app import create_app
from gateway.fields.base import Path
from gateway.fields.link import EmbeddedLink, Link, ManyLink
from gateway.fields.record import DerivedField, RecordField
from gateway.settings import Settings
from tests.schema.graph_walk import definition, object_types, target_of

Json = Any  # a response is JSON of the shape that each test expects

POISON = "poison-ü"  # must never be repeated in an error
OTHER_KINDS: list[Json] = [None, POISON, 5, True, {POISON: POISON}, [POISON], [None, 5, {}]]


def without_calls(target: GraphQLObjectType) -> str:
    """Return a selection of all fields of a record that need no call: leaves, objects and ids of links."""
    return " ".join(_without_calls(target))


def _without_calls(target: GraphQLObjectType) -> Iterator[str]:
    for name, each in target.fields.items():
        field = definition(each)
        if isinstance(field, EmbeddedLink):
            yield f"{name} {{ id name }}"
        elif isinstance(field, RecordField | DerivedField):
            if is_leaf_type(get_named_type(each.type)):
                yield name
            elif below := without_calls(target_of(each)):
                yield f"{name} {{ {below} }}"
        elif type(field) in (Link, ManyLink):
            inside = target_of(each).fields.get("id")
            if inside is not None and (definition(inside).key,) in field.embedded:
                yield f"{name} {{ id }}"


def readers_of(target: GraphQLObjectType, member: str) -> set[str]:
    """Return the fields of a type that read this member of its records."""
    names: set[str] = set()
    for name, each in target.fields.items():
        field = definition(each)
        if isinstance(field, RecordField):
            paths: set[Path] = {(field.key,)}
        elif isinstance(field, Link):
            paths = {field.key, *field.embedded.values()}
        else:
            paths = {(member,)}
        if any(path[0] == member for path in paths):
            names.add(name)
    return names


def poisons(record: Json) -> Iterator[tuple[str, Json]]:
    """Yield the record with one error, for each possible error, and the affected member."""
    for member, value in record.items():
        if member == "id":
            continue
        yield member, {name: each for name, each in record.items() if name != member}
        for wrong in OTHER_KINDS:
            yield member, {**record, member: wrong}
        for deeper in _wrong_inside(value):
            yield member, {**record, member: deeper}


def _wrong_inside(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for name in value:
            yield {key: each for key, each in value.items() if key != name}
            for wrong in OTHER_KINDS:
                yield {**value, name: wrong}
            for deeper in _wrong_inside(value[name]):
                yield {**value, name: deeper}
    elif isinstance(value, list) and value:
        for wrong in OTHER_KINDS:
            yield [*value, wrong]
        for deeper in _wrong_inside(value[0]):
            yield [deeper, *value[1:]]


async def query_over(path: str, body: Json, query: str) -> Json:
    """Return the complete response if upstream responds so at paths that end like this, and 404 elsewhere."""
    async with gateway_over(path) as execute:
        return await execute(body, query)


@asynccontextmanager
async def gateway_over(path: str) -> AsyncIterator[Callable[[Json, str], Awaitable[Json]]]:
    """Open one gateway for several bodies of upstream; it executes queries as `query_over` does."""
    body: Json = None

    def response(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(path):
            return httpx.Response(404, text="no")
        query = request.url.params.get("query", "")
        if not query.startswith("id==("):
            return httpx.Response(200, json=body)
        ((name, records), *_) = body.items()  # of which some are read again
        return httpx.Response(200, json={name: [each for each in records if each["id"] in query]})

    async def execute(upstream_body: Json, query: str) -> Json:
        nonlocal body
        body = upstream_body
        headers = {"X-Okapi-Tenant": "diku"}
        return (await http.post("/graphql", json={"query": query}, headers=headers)).json()

    settings = Settings(sandbox=True, max_cost=100_000, max_result_nodes=10_000_000)
    app = create_app(settings, transport=lambda limits: httpx.MockTransport(response))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as http,
    ):
        yield execute


async def check(kind: str, root: str, path: str, key: str, record: Json) -> int:
    """Check that each invalid member costs only the fields that read it. Returns the number of cases."""
    target = object_types()[kind]
    wrong = [("", record), *poisons(record)]
    records = [
        {**copy.deepcopy(each), "id": str(uuid.UUID(int=place, version=4))}
        for place, (_, each) in enumerate(wrong)
    ]
    size = 999  # and the good one before them make a page
    for start in range(0, len(records), size):
        part = records[start : start + size]
        body = {key: [records[0], *part], "totalRecords": len(part) + 1}
        query = f"{{ {root}(first: 1000) {{ nodes {{ {without_calls(target)} }} }} }}"
        response = await query_over(path, body, query)
        nodes = response["data"][root]["nodes"]
        good = nodes[0]
        assert len(nodes) == len(part) + 1
        touched = {place: readers_of(target, wrong[start + place - 1][0]) for place in range(1, len(nodes))}
        for place, node in enumerate(nodes[1:], 1):
            assert node is not None, wrong[start + place - 1]
            changed = {name for name in good if node[name] != good[name]} - {"id"}
            assert changed <= touched[place], (changed, wrong[start + place - 1])
        for each in response.get("errors", ()):
            assert each["path"][2] > 0, each
            assert each["path"][:2] == [root, "nodes"]
            assert each["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE", (
                each,
                wrong[start + each["path"][2] - 1],
            )
            assert each["path"][3] in touched[each["path"][2]]
            assert POISON not in each["message"]
    return len(wrong)


def only_error(response: Json) -> tuple[list[Json], str]:
    """Return path and message of the only error of a response."""
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    return error["path"], error["message"]
