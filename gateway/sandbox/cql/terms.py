"""The terms of a query: values with masks, and their comparison with a record's values."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

Scalar = str | int | float | bool

ANY_RUN, ANY_ONE = "\ud800", "\ud801"  # the masks inside a term: lone surrogates, which no decoded text holds
WORD = re.compile(rf"[\w{ANY_RUN}{ANY_ONE}]+")


class CqlError(ValueError):
    """A query outside the supported subset."""


def fold(text: str) -> str:
    """Remove case and accents, as raml-module-builder does for comparison."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()


def to_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def to_number(value: Scalar | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Term:
    """A value in a query.

    `literal` is its plain text, or None if it has a mask; `pattern` then matches a complete folded value.
    """

    literal: str | None
    pattern: re.Pattern[str] | None
    words: tuple[str, ...]
    only_masks: bool

    @classmethod
    def parse(cls, raw: str) -> Term:
        masked = unescape(raw)
        words = tuple(WORD.findall(fold(masked)))
        if ANY_RUN in masked or ANY_ONE in masked:
            return cls(None, compile_mask(masked, ".*", "."), words, not masked.strip(ANY_RUN))
        return cls(masked, None, words, False)

    def equals(self, value: Scalar) -> bool:
        if self.pattern is not None:
            return self.pattern.fullmatch(fold(to_text(value))) is not None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return to_number(self.literal) == value
        return fold(self.literal or "") == fold(to_text(value))


def unescape(raw: str) -> str:
    """Remove the backslashes and mark the masks.

    A caret means the start or the end of the value, so it is dropped there and rejected elsewhere.
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
            out.append({"*": ANY_RUN, "?": ANY_ONE}.get(letter, letter))
    return "".join(out)


def compile_mask(masked: str, run: str, one: str) -> re.Pattern[str]:
    masks = {ANY_RUN: run, ANY_ONE: one}
    return re.compile("".join(masks.get(letter) or re.escape(letter) for letter in fold(masked)), re.DOTALL)
