"""Links of the graph in both directions, compared with the keys in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway

Record = dict[str, Any]  # JSON as the library stores it


def at(record: Record, path: str) -> Any:  # Any: JSON
    """Return the value at the end of a path, None if the path ends early."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def shelf(library: Library, name: str) -> dict[str, Record]:
    records: dict[str, Record] = getattr(library, name)
    return records


async def check_forward(gateway: Gateway, root: str, edge: str, key: str, source: str, target: str) -> None:
    """Check that each record's link is the record with the stored key, and null without a key or a record.

    `root` lists the records, `edge` is the path to the link, `key` the stored key, `source` and `target` name
    collections of the sandbox. One leaf that only the target has ensures that it is really loaded.
    """
    first, *rest = edge.split(".")
    inside = "{ id metadata { createdDate } }"
    for step in reversed(rest):
        inside = f"{{ {step} {inside} }}"
    data = await gateway.data(f"{{ {root}(first: 1000) {{ nodes {{ id {first} {inside} }} }} }}")

    records, targets = shelf(gateway.library, source), shelf(gateway.library, target)
    nodes = data[root]["nodes"]
    resolved = 0
    for node in nodes:
        stored = at(records[node["id"]], key)
        expected = stored if stored in targets else None
        assert at(node, f"{edge}.id") == expected
        resolved += expected is not None
    assert len(nodes) == len(records)
    assert resolved >= 1


async def check_back(
    gateway: Gateway,
    root: str,
    edge: str,
    belongs: Callable[[Library, Record], object],
    target: str,
    keep: Callable[[Record], bool] = lambda record: True,
) -> None:
    """Check that each record's list has exactly the records that belong to it."""
    data = await gateway.data(
        f"{{ {root}(first: 40) {{ nodes {{ id {edge}(first: 1000) {{ totalCount nodes {{ id }} }} }} }} }}"
    )

    library = gateway.library
    targets = [each for each in shelf(library, target).values() if keep(each)]
    count = 0
    for node in data[root]["nodes"]:
        expected = {each["id"] for each in targets if belongs(library, each) == node["id"]}
        assert {each["id"] for each in node[edge]["nodes"]} == expected
        assert node[edge]["totalCount"] == len(expected)
        count += len(expected)
    assert count >= 1


def is_open_loan(loan: Record) -> bool:
    return bool(loan["status"]["name"] == "Open")


def is_open_request(request: Record) -> bool:
    return str(request["status"]).startswith("Open")


def by(key: str) -> Callable[[Library, Record], object]:
    """Return a function that reads the owner of a record from a key."""
    return lambda library, record: at(record, key)


def merged(records: list[Record]) -> Record:
    """Return one record with all members of the given ones."""
    record: Record = {}
    for each in sorted(records, key=lambda record: len(str(record))):
        record |= each
    return record
