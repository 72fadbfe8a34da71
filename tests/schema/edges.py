"""Both directions of an edge of the graph, held against the keys that the library stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.sandbox import Library
from tests.gateway_under_test import Gateway

Record = dict[str, Any]  # JSON as the library stores it


def at(record: Record, path: str) -> Any:  # Any: JSON
    """The value at the end of the path, None where it ends early."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def shelf(library: Library, name: str) -> dict[str, Record]:
    records: dict[str, Record] = getattr(library, name)
    return records


async def check_forward(gateway: Gateway, root: str, edge: str, key: str, source: str, target: str) -> None:
    """Each record's link leads to the stored key, and to null where there is no key or no such record.

    `root` lists the records, `edge` is the way to the link, `key` the stored key, `source` and `target` name
    collections of the library. One leaf that only the target has makes sure that it is really loaded.
    """
    first, *rest = edge.split(".")
    inside = "{ id metadata { createdDate } }"
    for step in reversed(rest):
        inside = f"{{ {step} {inside} }}"
    data = await gateway.data(f"{{ {root}(first: 1000) {{ nodes {{ id {first} {inside} }} }} }}")

    records, targets = shelf(gateway.library, source), shelf(gateway.library, target)
    nodes = data[root]["nodes"]
    led = 0
    for node in nodes:
        stored = at(records[node["id"]], key)
        expected = stored if stored in targets else None
        assert at(node, f"{edge}.id") == expected
        led += expected is not None
    assert len(nodes) == len(records)
    assert led >= 1


async def check_back(
    gateway: Gateway,
    root: str,
    edge: str,
    belongs: Callable[[Library, Record], object],
    target: str,
    keep: Callable[[Record], bool] = lambda record: True,
) -> None:
    """Each record's list has exactly the records that belong to it."""
    data = await gateway.data(
        f"{{ {root}(first: 40) {{ nodes {{ id {edge}(first: 1000) {{ totalCount nodes {{ id }} }} }} }} }}"
    )

    library = gateway.library
    targets = [each for each in shelf(library, target).values() if keep(each)]
    found = 0
    for node in data[root]["nodes"]:
        expected = {each["id"] for each in targets if belongs(library, each) == node["id"]}
        assert {each["id"] for each in node[edge]["nodes"]} == expected
        assert node[edge]["totalCount"] == len(expected)
        found += len(expected)
    assert found >= 1


def is_open_loan(loan: Record) -> bool:
    return bool(loan["status"]["name"] == "Open")


def is_open_request(request: Record) -> bool:
    return str(request["status"]).startswith("Open")


def by(key: str) -> Callable[[Library, Record], object]:
    """Whose a record is, by a key of its own."""
    return lambda library, record: at(record, key)


def merged(records: list[Record]) -> Record:
    """One record with every member that any of them has."""
    found: Record = {}
    for each in sorted(records, key=lambda record: len(str(record))):
        found |= each
    return found
