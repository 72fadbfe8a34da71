"""Results of a look-up take the place of unknown outcomes, and of nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.engine.kept_response import KeptResponse, merge, settled_fields

Json = Any  # responses are JSON
CLAIMED_AT = datetime(2026, 11, 30, 8, tzinfo=UTC)


def error(code: str, *path: str | int) -> Json:
    return {"message": code, "path": list(path), "extensions": {"code": code}}


def response(data: Json, *errors: Json, **extensions: str) -> KeptResponse:
    members = {"data": data}
    if errors:
        members["errors"] = list(errors)
    if extensions:
        members["extensions"] = extensions
    return msgspec.json.decode(json.dumps(members), type=KeptResponse)


def merged(kept: KeptResponse | None, found: KeptResponse) -> Json:
    return json.loads(msgspec.json.encode(merge(kept, found, CLAIMED_AT, "1/desk")))


def test_settled_fields() -> None:
    """A field is settled if neither its error nor one below it is an unknown outcome."""
    kept = response(
        {"a": {"x": 1}, "b": None, "c": {"y": None}, "d": {"z": None}, "e": None},
        error("OUTCOME_UNKNOWN", "b"),
        error("OUTCOME_UNKNOWN", "c", "y"),
        error("UPSTREAM_TIMEOUT", "d", "z"),
        error("FORBIDDEN", "e"),
    )

    assert settled_fields(kept) == {"a", "d", "e"}
    assert not kept.is_conclusive
    assert settled_fields(None) == frozenset()
    assert response({"a": 1}).is_conclusive
    assert not response(None, error("INTERNAL_ERROR")).is_conclusive


def test_only_unknown_outcomes_are_replaced() -> None:
    """Data and errors of other fields stay, whatever the look-up says about them."""
    kept = response(
        {"a": 1, "b": None, "c": None}, error("FORBIDDEN", "a", "x"), error("OUTCOME_UNKNOWN", "b")
    )
    found = response({"a": None, "b": {"x": 2}, "c": 3}, error("NOT_FOUND", "a"), outcome="confirmed")

    assert merged(kept, found) == {
        "data": {"a": 1, "b": {"x": 2}, "c": None},
        "errors": [error("FORBIDDEN", "a", "x")],
        "extensions": {"outcome": "confirmed"},
    }


def test_an_unknown_part_is_replaced() -> None:
    """A result of which a part is unknown is replaced by another result, and not by an error."""
    kept = response({"a": {"x": 1, "y": None}}, error("OUTCOME_UNKNOWN", "a", "y"))

    assert merged(kept, response({"a": {"x": 1, "y": 2}})) == {"data": {"a": {"x": 1, "y": 2}}}
    for code in ("OUTCOME_UNKNOWN", "UPSTREAM_TIMEOUT"):
        failed = response({"a": None}, error(code, "a"))
        assert merge(kept, failed, CLAIMED_AT, "1/desk") == kept


def test_known_parts_stay() -> None:
    """Of several writes below one field only those with an unknown outcome have the result of a look-up."""
    kept = response(
        {"a": {"b": [{"x": 1, "big": 12345678901234567890123, "y": 0.1}, None, None, {"y": None}, None]}},
        error("OUTCOME_UNKNOWN", "a", "b", 1),
        error("OUTCOME_UNKNOWN", "a", "b", 2, "deeper"),
        error("FORBIDDEN", "a", "b", 3, "y"),
        error("UPSTREAM_UNAVAILABLE", "a", "b", 4),
    )
    found = response(
        {"a": {"b": [None, {"x": "\u00fc", "y": None}, None, None, None]}},
        error("OUTCOME_UNKNOWN", "a", "b", 0),
        error("FORBIDDEN", "a", "b", 1, "y"),
        error("OUTCOME_UNKNOWN", "a", "b", 2) | {"message": "last seen"},
        error("OUTCOME_UNKNOWN", "a", "b", 4),
        outcome="confirmed",
    )

    result = merged(kept, found)

    first = {"x": 1, "big": 12345678901234567890123, "y": 0.1}
    assert result["data"] == {"a": {"b": [first, {"x": "\u00fc", "y": None}, None, {"y": None}, None]}}
    assert result["errors"] == [
        error("FORBIDDEN", "a", "b", 1, "y"),
        error("OUTCOME_UNKNOWN", "a", "b", 2) | {"message": "last seen"},
        error("FORBIDDEN", "a", "b", 3, "y"),
        error("UPSTREAM_UNAVAILABLE", "a", "b", 4),
    ]


def test_a_part_whose_look_up_failed_stays_unknown() -> None:
    """Neither another error nor a result of another shape says what became of it."""
    unknown = error("OUTCOME_UNKNOWN", "a", "b", 0)
    kept = response({"a": {"b": [None]}}, unknown)

    for found in (
        response({"a": {"b": [None]}}, error("UPSTREAM_TIMEOUT", "a", "b", 0)),
        response({"a": {"b": []}}),
        response({"a": {"reasons": []}}),
        response({"a": {"b": None}}),
    ):
        assert merged(kept, found) == {"data": {"a": {"b": [None]}}, "errors": [unknown]}


def test_a_result_that_a_part_made_null_is_replaced() -> None:
    """Nothing of it is known if an unknown part below it may not be null."""
    kept = response({"a": None}, error("OUTCOME_UNKNOWN", "a", "b", 0))

    assert merged(kept, response({"a": {"b": [1]}})) == {"data": {"a": {"b": [1]}}}


def test_the_last_look_is_shown() -> None:
    """An outcome that remains unknown has the error of the last look-up, unless that failed."""
    kept = response({"a": None}, error("OUTCOME_UNKNOWN", "a"))
    looked = response({"a": None}, error("OUTCOME_UNKNOWN", "a") | {"message": "last seen"})
    failed = response({"a": None}, error("UPSTREAM_TIMEOUT", "a"))

    assert merge(kept, looked, CLAIMED_AT, "1/desk") == looked
    assert merge(kept, failed, CLAIMED_AT, "1/desk") == kept


def test_without_a_kept_response_nothing_is_known() -> None:
    """A failed look-up leaves the outcome unknown. An invalid argument was as invalid the first time."""
    found = response(
        {"a": None, "b": None, "c": {"x": 1}}, error("NOT_FOUND", "a"), error("BAD_USER_INPUT", "b")
    )

    result = merged(None, found)

    unknown, invalid = result["errors"]
    assert result["data"] == {"a": None, "b": None, "c": {"x": 1}}
    assert unknown["path"] == ["a"]
    assert unknown["extensions"] == {
        "code": "OUTCOME_UNKNOWN",
        "retryable": False,
        "operation": "a",
        "sentAt": "2026-11-30T08:00:00.000Z",
        "seen": "The look-up failed: NOT_FOUND.",
        "requestId": "1/desk",
    }
    assert invalid == error("BAD_USER_INPUT", "b")


def test_a_look_up_that_was_not_executed_changes_nothing() -> None:
    """Without data, the kept response stays."""
    kept = response({"a": None}, error("OUTCOME_UNKNOWN", "a"))
    found = response(None, error("INTERNAL_ERROR"))

    assert merge(kept, found, CLAIMED_AT, "1/desk") == kept
    assert merge(None, found, CLAIMED_AT, "1/desk") == found
