"""Groups of settings: dataclasses whose values are read from text, with a readable line for each problem."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

BOOLEANS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


class SettingsError(Exception):
    """Invalid settings, with one line per problem for the operator."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Secret:
    """A text that `str`, `repr` and `asdict` hide."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """Return the text."""
        return self._text


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of a number, or of the length of a text."""

    gt: float | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int = 0

    def check(self, value: object) -> None:
        """Raise `ValueError` for a value beyond the bounds."""
        if isinstance(value, str):
            if len(value) < self.min_length:
                raise ValueError(f"must have at least {self.min_length} character")
        elif isinstance(value, int | float):
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError("should be a finite number")
            if self.gt is not None and value <= self.gt:
                raise ValueError(f"should be greater than {self.gt}")
            if self.ge is not None and value < self.ge:
                raise ValueError(f"should be greater than or equal to {self.ge}")
            if self.le is not None and value > self.le:
                raise ValueError(f"should be less than or equal to {self.le}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The declaration of a setting.

    `kind` is the type of its values other than None, or a `Literal` of its choices. `checks` are functions
    that return a value in its final form; they raise `ValueError` for one that is not valid.
    """

    kind: Any  # a type or a Literal, which has no type
    default: Any
    description: str
    is_optional: bool
    bounds: Bounds
    checks: tuple[Callable[[Any], Any], ...]

    def read(self, value: object) -> object:
        """Return the value for a text, or for a value of the type. Raises `ValueError` with the reason."""
        if value is None and self.is_optional:
            return None
        value = convert(self.kind, value)
        self.bounds.check(value)
        for check in self.checks:
            value = check(value)
        return value


def setting(
    *,
    default: Any,  # of the type that is annotated
    description: str,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    min_length: int = 0,
) -> Any:
    """Declare a setting in the body of a `SettingsGroup`; its type may have checks, with `Annotated`."""
    bounds = Bounds(gt=gt, ge=ge, le=le, min_length=min_length)
    return field(default=default, metadata={"description": description, "bounds": bounds})


class SettingsGroup:
    """Settings that are passed to a component together. A subclass is a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @classmethod
    @cache
    def declarations(cls) -> Mapping[str, Setting]:
        """Return the settings by their names, those of the last base class first."""
        hints = get_type_hints(cls, include_extras=True)
        return {each.name: _declaration(hints[each.name], each) for each in fields(cls)}

    def __post_init__(self) -> None:
        problems = []
        for name, declared in self.declarations().items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, declared.read(value))
            except ValueError as error:
                shown = "" if declared.kind is Secret else f" (got {display(value)!r})"
                problems.append(f"{name.upper()}: {error}{shown}")
        problems = problems or [*self.conflicts()]
        if problems:
            raise SettingsError(problems)

    def conflicts(self) -> Iterator[str]:
        """Yield a line for each problem of several settings together, each of which is valid."""
        yield from ()

    def replace(self, **values: Any) -> Self:
        """Return a copy with other values, which are not checked."""
        other = copy(self)
        for name, value in values.items():
            object.__setattr__(other, name, value)
        return other


def _declaration(hint: Any, declared: Any) -> Setting:
    kind, checks = _without_checks(hint)
    is_optional = type(None) in get_args(kind)
    if is_optional:
        (kind,) = (each for each in get_args(kind) if each is not type(None))
        kind, more = _without_checks(kind)
        checks += more
    return Setting(
        kind=kind,
        default=declared.default,
        description=declared.metadata["description"],
        is_optional=is_optional,
        bounds=declared.metadata["bounds"],
        checks=checks,
    )


def _without_checks(hint: Any) -> tuple[Any, tuple[Callable[[Any], Any], ...]]:
    """Return the type that is annotated with checks, and these."""
    return (hint.__origin__, hint.__metadata__) if get_origin(hint) is Annotated else (hint, ())


def convert(kind: Any, value: object) -> object:
    """Return the value of a type, or one of the choices of a `Literal`, for a text or for such a value.

    Blanks around a text are removed, but not in a secret or a path. Raises `ValueError` with the reason.
    """
    text = value.strip() if isinstance(value, str) else None
    if get_origin(kind) is Literal:
        return _choose(get_args(kind), text)
    if kind is bool:
        return _convert_boolean(value if text is None else text.lower())
    if kind in (int, float):
        return _convert_number(kind, value if text is None else text)
    if kind is str and text is not None:
        return text
    if isinstance(value, kind):
        return value
    if text is None:
        raise ValueError("should be a text")
    return kind(value)


def _choose(choices: Sequence[str], text: str | None) -> str:
    if text is None or (choice := text.lower()) not in choices:
        *others, last = map(repr, choices)
        raise ValueError(f"should be {', '.join(others)} or {last}")
    return choice


def _convert_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return BOOLEANS[str(value)]
    except KeyError:
        raise ValueError("should be a valid boolean, unable to interpret input") from None


def _convert_number(kind: type[int] | type[float], value: object) -> float:
    name = "integer" if kind is int else "number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"should be a valid {name}")
    try:
        number = kind(value)
    except (ValueError, OverflowError):  # OverflowError: of infinity
        reason = f"unable to parse string as {'an' if kind is int else 'a'} {name}"
        raise ValueError(f"should be a valid {name}, {reason}") from None
    if isinstance(value, float) and number != value and value == value:
        raise ValueError(f"should be a valid {name}, got a number with a fractional part")
    return number


def display(value: object) -> str:
    """Return a value for a message: without a password (before an @) or a key (in a query), and truncated."""
    text = re.sub(r"(?s)^(\w+://)?.*@", r"\1***@", str(value))
    text = re.sub(r"(?s)[?#].+", lambda match: match[0][0] + "***", text)
    return text if len(text) <= 100 else text[:100] + "..."
