"""The worked example in the documentation of the generator does what the generated function does."""

from __future__ import annotations

import inspect
import itertools
import textwrap
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.engine.plans import projection
from gateway.engine.plans.leaves import check_ids
from gateway.engine.plans.plan import UnexpectedValue
from tests.engine.plans.compiled import compile_plan

SELECTION = "proxy { name: username patronGroup { id } manualBlocks { totalCount } }"

User = msgspec.defstruct("User", [("id", str), ("username", str | None), ("patronGroup", str | None)])
PatronGroup = msgspec.defstruct("PatronGroup", ["id"])
Proxy = msgspec.defstruct("Proxy", ["name", "patronGroup", "manualBlocks"])


class Counting:
    """The part of an execution that the example uses."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def count_embedded(self, number: int) -> None:
        self.counts.append(number)


def outcome(project: Callable[..., list[Any]]) -> tuple[bytes, list[int], bytes, list[Any]]:
    """The result for a few users, the number of embedded targets, and the notes."""
    users = [User("1", "ann", "g1"), User("2", None, None), User("3", "bo", "g1"), User("4", "cy", "")]
    execution = Counting()
    notes: list[Any] = []
    results = project(users, execution, notes.append)
    targets, keys = map(list, zip(*notes, strict=True))
    return msgspec.json.encode(results), execution.counts, msgspec.json.encode(targets), keys


def test_the_example_of_the_generator() -> None:
    """Results, notes and counts of the documented function are those of the generated one."""
    documented = inspect.getdoc(projection) or ""
    assert "`proxy { name: username\npatronGroup { id } manualBlocks { totalCount } }`" in documented
    start, end = documented.index("    def project("), documented.index("Nested objects")
    names: dict[str, Any] = {"check_ids": check_ids, "PatronGroup": PatronGroup, "Proxy": Proxy}
    exec(textwrap.dedent(documented[start:end]), names)  # noqa: S102 - it is ours
    (root,) = compile_plan(f"{{ loans {{ nodes {{ {SELECTION} }} }} }}").roots
    (link,) = root.target.links

    assert outcome(names["project"]) == outcome(link.target.project)
    assert outcome(link.target.project)[1:] == (
        [2],
        b'[{"name":"ann","patronGroup":{"id":"g1"},"manualBlocks":null},'
        b'{"name":null,"patronGroup":null,"manualBlocks":null},'
        b'{"name":"bo","patronGroup":{"id":"g1"},"manualBlocks":null},'
        b'{"name":"cy","patronGroup":null,"manualBlocks":null}]',
        ["1", "2", "3", "4"],
    )


UUID = "2f1c7a52-31a8-4d0c-9c0e-6f8f0a6c3b11"
IDS = {
    UUID: UUID,
    UUID.upper(): UUID,
    "Ab-12": "ab-12",
    "1" * 36: "1" * 36,
    "": None,
    "0": None,
    None: None,
}


@pytest.mark.parametrize("number", [1, 2])
def test_the_ids_of_a_column(number: int) -> None:
    """Ids are in lower case, and null if there is none, for UUIDs and others in any order."""
    for ids in itertools.permutations(IDS, number):
        assert check_ids([UUID, *ids]) == [UUID, *(IDS[each] for each in ids)]


@pytest.mark.parametrize(
    "texts", [["a b"], ["é" * 36], ["1" * 101], [f"{UUID}\n"], [f"{UUID}\n{UUID}"], [f"{UUID}\n1", UUID[1:]]]
)
def test_texts_that_are_no_ids(texts: list[str]) -> None:
    """A text that no service uses as an id is unexpected, also next to texts that would complete it."""
    with pytest.raises(UnexpectedValue):
        check_ids([UUID, *texts])
