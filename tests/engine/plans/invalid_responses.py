"""Invalid upstream responses."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from tests.engine.plans.compared_executions import Change

Json = Any  # records are JSON of the shape that each test expects

OTHER_KINDS: tuple[Json, ...] = (
    None, "odd", "", 5, -1, 2**31, 1.5, True, {}, {"odd": 1}, [], [None], ["odd", None, 5], [{}, "odd"],
)  # fmt: skip
DATES: tuple[Json, ...] = (
    "2026-11-21T10:00:00.000+0000", "2026-11-21T10:00:00+00", "2026-11-21T23:30:00.123456-05:00",
    "2026-11-21t10:00:00z", "2026-11-21 10:00:00Z", "2026-11-21", "", "2026-02-30T00:00:00Z", 1763719200000,
    "9999-12-31T23:59:59.999-23:59",
    "\u0662\u0660\u0662\u0666-11-21T10:00:00.000Z", "2026-11-21T10:00:00.000Z", None,
)  # fmt: skip
NUMBERS = ("1e400", "-1e400", "123456789012345678901234567890", "2147483648", "-2147483649", "1.0", "-0.0",
           "1.5", "1e2", "9007199254740993", "null", "true", '"12"', '"1.5"', '""')  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\dT")


def poisoned(seed: int, share: float) -> Change:
    """Return a change that replaces members with invalid values, the same for a record in each response."""

    def change(path: str, body: Json) -> Json:
        return (
            {
                key: [
                    _poison(each, f"{seed} {each.get('id')}", share) if isinstance(each, dict) else each
                    for each in value
                ]
                if isinstance(value, list)
                else value
                for key, value in body.items()
            }
            if isinstance(body, dict)
            else body
        )

    return change


def _poison(value: Json, place: str, share: float) -> Json:
    if isinstance(value, dict):
        changed = {}
        for name, each in value.items():
            chance = zlib.crc32(f"{place}.{name}".encode())
            if name != "totalRecords" and chance % 10_000 < share * 10_000:
                if chance % 7 == 0:
                    continue  # the member is missing
                changed[name] = OTHER_KINDS[chance // 10_000 % len(OTHER_KINDS)]
            else:
                changed[name] = _poison(each, f"{place}.{name}", share)
        return changed
    if isinstance(value, list):
        return [_poison(each, f"{place}.{number}", share) for number, each in enumerate(value)]
    return value


def of_members(seed: int, changed: Callable[[str, Json, int], Json], share: float) -> Change:
    """Return a change of members by name, value and a number that is the same for the same place."""

    def in_value(value: Json, place: str) -> Json:
        if isinstance(value, dict):
            return {name: in_member(name, each, f"{place}.{name}") for name, each in value.items()}
        if isinstance(value, list):
            return [in_value(each, f"{place}.{number}") for number, each in enumerate(value)]
        return value

    def in_member(name: str, value: Json, place: str) -> Json:
        chance = zlib.crc32(place.encode())
        if isinstance(value, dict | list) or chance % 1000 >= share * 1000:
            return in_value(value, place)
        return changed(name, value, chance // 1000)

    def change(path: str, body: Json) -> Json:
        if not isinstance(body, dict):
            return body
        return {
            key: [
                in_value(each, f"{seed} {each.get('id')}") if isinstance(each, dict) else each
                for each in value
            ]
            if isinstance(value, list)
            else value
            for key, value in body.items()
        }

    return change


def _dates(name: str, value: Json, number: int) -> Json:
    is_date = isinstance(value, str) and _DATE.match(value)
    return DATES[number % len(DATES)] if is_date else value


def _ids(name: str, value: Json, number: int) -> Json:
    return number if name == "id" or name.endswith(("Id", "Ids")) else value


def _closed_sets(name: str, value: Json, number: int) -> Json:
    if name not in ("name", "status", "requestType", "requestLevel", "fulfillmentPreference"):
        return value
    return (f"{value} of tomorrow", str(value).upper(), number, True, None)[number % 5]


def _in_text(pattern: str, changed: Callable[[re.Match[str]], str]) -> Change:
    def change(path: str, body: Json) -> Json:
        return httpx.Response(200, text=re.sub(pattern, changed, json.dumps(body)))

    return change


def _number(match: re.Match[str]) -> str:
    return f"{match[1]}: {NUMBERS[zlib.crc32(match.string[: match.start()].encode()) % len(NUMBERS)]}"


def _without_totals(path: str, body: Json) -> Json:
    return {name: each for name, each in body.items() if name != "totalRecords"}


def _with_null_elements(value: Json, place: str) -> Json:
    """Put null into some of the lists in a value, those of records included."""
    if isinstance(value, dict):
        return {name: _with_null_elements(each, f"{place}.{name}") for name, each in value.items()}
    if not isinstance(value, list):
        return value
    values = [_with_null_elements(each, f"{place}.{number}") for number, each in enumerate(value)]
    return [*values, None] if zlib.crc32(place.encode()) % 3 == 0 else values


ODD: Mapping[str, Change] = {
    "dates": of_members(1, _dates, 0.3),
    "one-date": of_members(2, _dates, 0.004),
    "ids-as-numbers": of_members(3, _ids, 0.1),
    "closed-sets": of_members(4, _closed_sets, 0.3),
    "numbers": _in_text(r'("(?:renewalCount|position|shelvingLagTime|amount|remaining)"): [\d.]+', _number),
    "twice-and-the-last-is-good": _in_text(
        r'("barcode"|"action"): "', lambda result: f"{result[1]}: 5, {result[0]}"
    ),
    "twice-and-the-last-is-bad": _in_text(
        r'("barcode"|"title"): "[^"]*"', lambda result: f"{result[0]}, {result[1]}: []"
    ),
    "half-characters": _in_text(r'("title"|"lastName"|"action"): "', lambda result: f"{result[0]}\\ud800"),
    "null-elements": lambda path, body: _with_null_elements(body, path),
    "without-totals": _without_totals,
    "without-ids": of_members(5, lambda name, value, number: None if name == "id" else value, 0.03),
}
"""Each affects only the fields that read it, in both executions."""


def failing(*paths: str, status: int = 403) -> Change:
    """Return a change that rejects these paths."""

    def change(path: str, body: Json) -> Json:
        return httpx.Response(status, text="no") if path.startswith(paths) else body

    return change


def misshapen(*paths: str) -> Change:
    """Return a change to another shape of body at these paths."""
    return lambda path, body: [body] if path.startswith(paths) else body


def unreadable(*paths: str) -> Change:
    """Return a change that truncates the bodies at these paths."""

    def change(path: str, body: Json) -> Json:
        half = json.dumps(body).encode()
        return httpx.Response(200, content=half[: len(half) // 2]) if path.startswith(paths) else body

    return change


def silent(*paths: str) -> Change:
    """Return a change that times out at these paths."""

    def change(path: str, body: Json) -> Json:
        if path.startswith(paths):
            raise httpx.ReadTimeout("no response")
        return body

    return change
