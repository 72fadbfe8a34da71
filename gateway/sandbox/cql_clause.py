"""What a query asks of one record: clauses, and how a term meets a value."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Record = dict[str, Any]  # JSON as the services store it
Scalar = str | int | float | bool
Lookup = Callable[[Record, str], Sequence[Scalar]]

RUN, ONE = "\ud800", "\ud801"  # the masks inside a term: lone surrogates, which no decoded text holds
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
WORD = re.compile(rf"[\w{RUN}{ONE}]+")
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class CqlError(ValueError):
    """A query outside the subset that is understood here."""


class Clause(Protocol):
    def matches(self, record: Record, lookup: Lookup) -> bool: ...


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    number: bool = False


def fold(text: str) -> str:
    """Text without case and accents, as raml-module-builder compares it."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()


def text_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def number_of(value: Scalar | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Term:
    """A value as written in a query.

    `literal` is its plain text, or None when it has a mask; `pattern` then matches a whole folded value.
    """

    literal: str | None
    pattern: re.Pattern[str] | None
    words: tuple[str, ...]
    only_masks: bool

    @classmethod
    def read(cls, raw: str) -> Term:
        masked = unmask(raw)
        words = tuple(WORD.findall(fold(masked)))
        if RUN in masked or ONE in masked:
            return cls(None, mask_pattern(masked, ".*", "."), words, not masked.strip(RUN))
        return cls(masked, None, words, False)

    def equals(self, value: Scalar) -> bool:
        if self.pattern is not None:
            return self.pattern.fullmatch(fold(text_of(value))) is not None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number_of(self.literal) == value
        return fold(self.literal or "") == fold(text_of(value))


def unmask(raw: str) -> str:
    """Take the backslashes away and mark where the masks were.

    A caret means the start or the end of the value, so it is dropped there and refused elsewhere.
    """
    if raw.startswith("^"):
        raw = raw[1:]
    out: list[str] = []
    letters = iter(enumerate(raw))
    for at, letter in letters:
        if letter == "\\":
            escaped = next(letters, None)
            if escaped is None:
                raise CqlError("a backslash at the end of a value escapes nothing")
            out.append(escaped[1])
        elif letter == "^":
            if at != len(raw) - 1:
                raise CqlError("^ is only allowed at the start or the end of a value")
        else:
            out.append({"*": RUN, "?": ONE}.get(letter, letter))
    return "".join(out)


def mask_pattern(masked: str, run: str, one: str) -> re.Pattern[str]:
    masks = {RUN: run, ONE: one}
    return re.compile("".join(masks.get(letter) or re.escape(letter) for letter in fold(masked)), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Everything:
    def matches(self, record: Record, lookup: Lookup) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A field that equals one of some plain values: how ids are asked for, so it must be quick."""

    index: str
    values: frozenset[str]

    @classmethod
    def one(cls, index: str, value: str) -> AnyOf:
        return cls(index, frozenset([fold(value)]))

    def matches(self, record: Record, lookup: Lookup) -> bool:
        return any(self.has(value) for value in lookup(record, self.index))

    def has(self, value: Scalar) -> bool:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return any(number_of(text) == value for text in self.values)
        return fold(text_of(value)) in self.values


@dataclass(frozen=True, slots=True)
class Chain:
    """Clauses joined from left to right: all booleans bind equally."""

    first: Clause
    rest: tuple[tuple[str, Clause], ...]

    @classmethod
    def of(cls, first: Clause, rest: Sequence[tuple[str, Clause]]) -> Clause:
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
class Comparison:
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
            return any(self.ordered(value) for value in values)
        if name == "==":
            return any(self.equals(value) for value in values)
        return any(self.has_words(value) for value in values)

    def equals(self, value: Scalar) -> bool:
        if self.relation.number:
            return number_of(value) is not None and number_of(value) == number_of(self.term.literal)
        return self.term.equals(value)

    def ordered(self, value: Scalar) -> bool:
        literal = self.term.literal
        if literal is None:
            raise CqlError(f"masks are not supported by {self.relation.name}")
        compare = ORDER[self.relation.name]
        if self.relation.number or not isinstance(value, str):
            left, right = number_of(value), number_of(literal)
            return left is not None and right is not None and compare(left, right)
        return compare(fold(value), fold(literal))

    def has_words(self, value: Scalar) -> bool:
        if self.term.only_masks or self.term.literal == "":
            return True
        if not isinstance(value, str) or UUID.fullmatch(self.term.literal or ""):
            return self.equals(value)
        found = WORD.findall(fold(value))
        wanted = [mask_pattern(word, r"\w*", r"\w") for word in self.term.words]
        if self.relation.name == "any":
            return any(pattern.fullmatch(word) for pattern in wanted for word in found)
        if self.relation.name == "all":
            return all(any(pattern.fullmatch(word) for word in found) for pattern in wanted)
        return in_a_row(wanted, found)


def in_a_row(wanted: list[re.Pattern[str]], found: list[str]) -> bool:
    if not wanted:
        return False
    starts = range(len(found) - len(wanted) + 1)
    return any(
        all(pattern.fullmatch(word) for pattern, word in zip(wanted, found[start:], strict=False))
        for start in starts
    )
