"""The clauses of a query, each of which matches a record or does not."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.sandbox.cql.terms import WORD, CqlError, Scalar, Term, compile_mask, fold, to_number, to_text

Record = dict[str, Any]  # a JSON object as the services store it
Lookup = Callable[[Record, str], Sequence[Scalar]]

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Clause(Protocol):
    def matches(self, record: Record, lookup: Lookup) -> bool: ...

    def select(self, records: Iterable[Record], lookup: Lookup) -> list[Record]:
        """Return the records that match, in their order."""
        return [record for record in records if self.matches(record, lookup)]


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Everything(Clause):
    def matches(self, record: Record, lookup: Lookup) -> bool:
        return True

    def select(self, records: Iterable[Record], lookup: Lookup) -> list[Record]:
        return list(records)


@dataclass(frozen=True, slots=True)
class AnyOf(Clause):
    """A field that equals one of several plain values: the form of queries by id, so it must be fast."""

    index: str
    values: frozenset[str]

    @classmethod
    def one(cls, index: str, value: str) -> AnyOf:
        return cls(index, frozenset([fold(value)]))

    def matches(self, record: Record, lookup: Lookup) -> bool:
        for value in lookup(record, self.index):  # noqa: SIM110 - a generator for each record takes as long again
            if self.contains(value):
                return True
        return False

    def contains(self, value: Scalar) -> bool:
        if isinstance(value, str):
            return fold(value) in self.values
        if isinstance(value, int | float) and not isinstance(value, bool):
            return any(to_number(text) == value for text in self.values)
        return fold(to_text(value)) in self.values


@dataclass(frozen=True, slots=True)
class Chain(Clause):
    """Clauses joined from left to right: all booleans bind equally."""

    first: Clause
    rest: tuple[tuple[str, Clause], ...]

    @classmethod
    def join(cls, first: Clause, rest: Sequence[tuple[str, Clause]]) -> Clause:
        joined: list[tuple[str, Clause]] = [("or", first)]
        for boolean, clause in rest:
            before, last = joined[-1]
            if (
                boolean == before == "or"
                and isinstance(last, AnyOf)
                and isinstance(clause, AnyOf)
                and (last.index == clause.index)
            ):
                joined[-1] = ("or", AnyOf(last.index, last.values | clause.values))
            else:
                joined.append((boolean, clause))
        return joined[0][1] if len(joined) == 1 else cls(joined[0][1], tuple(joined[1:]))

    def matches(self, record: Record, lookup: Lookup) -> bool:
        result = self.first.matches(record, lookup)
        for boolean, clause in self.rest:
            if boolean == "or":
                result = result or clause.matches(record, lookup)
            else:
                result = result and clause.matches(record, lookup) is (boolean == "and")
        return result


@dataclass(frozen=True, slots=True)
class Comparison(Clause):
    """An index compared with a term by any relation."""

    index: str
    relation: Relation
    term: Term

    def matches(self, record: Record, lookup: Lookup) -> bool:
        values = lookup(record, self.index)
        if not values:
            return False
        name = self.relation.name
        if name == "<>":
            return not any(self.equals(value) for value in values)
        if name in ORDER:
            return any(self.is_ordered(value) for value in values)
        if name == "==":
            return any(self.equals(value) for value in values)
        return any(self.has_words(value) for value in values)

    def equals(self, value: Scalar) -> bool:
        if self.relation.number:
            return to_number(value) is not None and to_number(value) == to_number(self.term.literal)
        return self.term.equals(value)

    def is_ordered(self, value: Scalar) -> bool:
        literal = self.term.literal
        if literal is None:
            raise CqlError(f"masks are not supported by {self.relation.name}")
        compare = ORDER[self.relation.name]
        if self.relation.number or not isinstance(value, str):
            left, right = to_number(value), to_number(literal)
            return left is not None and right is not None and compare(left, right)
        return compare(fold(value), fold(literal))

    def has_words(self, value: Scalar) -> bool:
        if self.term.only_masks or self.term.literal == "":
            return True
        if not isinstance(value, str) or UUID.fullmatch(self.term.literal or ""):
            return self.equals(value)
        words = WORD.findall(fold(value))
        patterns = [compile_mask(word, r"\w*", r"\w") for word in self.term.words]
        if self.relation.name == "any":
            return any(pattern.fullmatch(word) for pattern in patterns for word in words)
        if self.relation.name == "all":
            return all(any(pattern.fullmatch(word) for word in words) for pattern in patterns)
        return contains_phrase(words, patterns)


def contains_phrase(words: list[str], patterns: list[re.Pattern[str]]) -> bool:
    """True if adjacent words match the patterns in order."""
    if not patterns:
        return False
    starts = range(len(words) - len(patterns) + 1)
    return any(
        all(pattern.fullmatch(word) for pattern, word in zip(patterns, words[start:], strict=False))
        for start in starts
    )
