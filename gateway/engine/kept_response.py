"""The response that is kept for an idempotency key, and its unknown outcomes that a look-up settles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from gateway.engine.error_masking import mask_exception
from gateway.errors import ErrorCode, OutcomeUnknown

Json: TypeAlias = Any
Place: TypeAlias = tuple[str | int, ...]

# A look-up sends no writes, so that no other error of it says what became of the write.
_PROVED_BY_LOOK_UP = frozenset({ErrorCode.BAD_USER_INPUT})


class KeptResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A response to mutations as JSON, the results of their fields undecoded."""

    errors: list[dict[str, Any]] | UnsetType = UNSET  # Any: JSON
    data: dict[str, msgspec.Raw] | UnsetType | None = UNSET
    extensions: dict[str, str] | UnsetType = UNSET

    @property
    def fields(self) -> Mapping[str, msgspec.Raw]:
        """The results of the fields, by their names in the response."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def is_conclusive(self) -> bool:
        """True if the outcome of each field is known."""
        return isinstance(self.data, dict) and len(settled_fields(self)) == len(self.data)

    def errors_of(self, name: str) -> list[dict[str, Any]]:
        """Return the errors of a field and of what is below it."""
        return [each for each in _listed(self.errors) if (each.get("path") or [None])[0] == name]

    def error_of(self, name: str) -> dict[str, Any] | None:
        """Return the error in place of the result of a field, None if it has a result."""
        return next((each for each in self.errors_of(name) if each["path"] == [name]), None)


def settled_fields(response: KeptResponse | None) -> frozenset[str]:
    """Return the names of the fields whose outcome a kept response knows."""
    if response is None:
        return frozenset()
    return frozenset(name for name in response.fields if not any(map(_is_unknown, response.errors_of(name))))


def unknown_places(response: KeptResponse | None) -> frozenset[Place] | None:
    """Return the paths of the unknown outcomes in a kept response; None without one: all are unknown."""
    if response is None:
        return None
    return frozenset(tuple(each["path"]) for each in _listed(response.errors) if _is_unknown(each))


def merge(
    kept: KeptResponse | None, found: KeptResponse, claimed_at: datetime, request_id: str
) -> KeptResponse:
    """Return a kept response with the results of a look-up in place of its unknown outcomes.

    Without a kept response, each field is unknown. It remains unknown if the look-up itself failed. A result
    with unknown parts, such as one of several renewals, keeps its other parts.
    """
    if not isinstance(found.data, dict):  # no field was looked up
        return kept or found
    settled = settled_fields(kept)
    data: dict[str, msgspec.Raw] = {}
    problems: list[dict[str, Any]] = []
    for name, result in found.fields.items():
        error = found.error_of(name)
        known = None if kept is None else kept.error_of(name)
        if kept is not None and (
            name in settled or (error is not None and (known is None or not _is_unknown(error)))
        ):
            data[name] = kept.fields.get(name, result)
            problems += kept.errors_of(name)
        elif kept is not None and error is None and bytes(kept.fields.get(name, b"null")) != b"null":
            data[name], remaining = _merge_parts(name, kept, found)
            problems += remaining
        elif error is None or _is_unknown(error) or error["extensions"]["code"] in _PROVED_BY_LOOK_UP:
            data[name] = result
            problems += found.errors_of(name)
        else:
            data[name] = result
            problems.append(error | _unknown(name, error, claimed_at, request_id))
    extensions = found.extensions if kept is None or kept.extensions is UNSET else kept.extensions
    return KeptResponse(problems or UNSET, data, extensions)


def _merge_parts(
    name: str, kept: KeptResponse, found: KeptResponse
) -> tuple[msgspec.Raw, list[dict[str, Any]]]:
    """Return a field of a kept response with the parts of a look-up in place of the unknown ones.

    With its errors. A part whose look-up failed stays unknown.
    """
    value, other = json.loads(bytes(kept.fields[name])), json.loads(bytes(found.fields[name]))
    problems: list[dict[str, Any]] = []
    for error in kept.errors_of(name):
        if not _is_unknown(error):
            problems.append(error)
            continue
        *way, last = _null_on_path(value, error["path"][1:])
        place = [name, *way, last]
        of_part = [each for each in found.errors_of(name) if each["path"][: len(place)] == place]
        try:
            part = _part(other, way)[last]
        except (TypeError, LookupError):  # the look-up has no such part
            problems.append(error)
            continue
        if any(each["path"] == place and not _is_unknown(each) for each in of_part):
            problems.append(error)
            continue
        _part(value, way)[last] = part
        problems += of_part
    return msgspec.Raw(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()), problems


def _null_on_path(value: Json, path: list[str | int]) -> list[str | int]:
    """Return the way to the null that an error has left, which may be above the end of its path."""
    for depth, step in enumerate(path, 1):
        value = value[step]
        if value is None:
            return path[:depth]
    return path


def _part(value: Json, way: list[str | int]) -> Json:
    for step in way:
        value = value[step]
    return value


def _unknown(name: str, error: Mapping[str, Any], claimed_at: datetime, request_id: str) -> dict[str, Any]:
    """Return the error of a write that may have been sent, whose look-up failed with another error."""
    return mask_exception(
        OutcomeUnknown(
            f"{name} may have been sent by the first request with this Idempotency-Key, and could not be "
            "looked up. It may or may not have been executed. Verify before repeating it.",
            sent_at=claimed_at,
            details={
                "operation": name,
                "sentAt": claimed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "seen": f"The look-up failed: {error['extensions']['code']}.",
            },
        ),
        request_id,
    )


def _is_unknown(error: Mapping[str, Any]) -> bool:
    return bool(error["extensions"]["code"] == ErrorCode.OUTCOME_UNKNOWN)


def _listed(problems: list[dict[str, Any]] | UnsetType) -> list[dict[str, Any]]:
    return [] if problems is UNSET else problems
