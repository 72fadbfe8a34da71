"""Responses that leave the outcome of a mutation unknown, and the error that they must become."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

UNCLEAR_FAULTS: Sequence[dict[str, Any]] = [
    {"kind": "status", "status": 500, "body": "java.lang.NullPointerException\n\tat org.folio.A.b(A.java:1)"},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504},
    {"kind": "status", "status": 408},
    {"kind": "status", "status": 302, "headers": {"Location": "http://elsewhere"}},
    {"kind": "reset"},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "wrong_shape"},
    {"kind": "wrong_shape", "shape": {}},
    {"kind": "wrong_shape", "shape": "done"},
    {"kind": "slow", "delay": 5.0},
    {"kind": "truncate"},
]
"""Faults of the sandbox, after each of which the outcome is unknown."""


def fault_name(fault: dict[str, Any]) -> str:
    return " ".join(str(fault[key]) for key in ("kind", "status", "shape") if key in fault)


def assert_unclear(error: Any, operation: str, keys: object, upstream: str = "bff") -> None:
    """Check an OUTCOME_UNKNOWN error: operation, keys, upstream, time and request id."""
    extensions = error["extensions"]
    assert error["path"] == [operation]
    assert error["message"] == (
        f"{operation} was sent to {upstream}, but no conclusive response was received. "
        "It may or may not have been executed. Verify before repeating it."
    )
    assert (extensions["code"], extensions["retryable"]) == ("OUTCOME_UNKNOWN", False)
    assert (extensions["operation"], extensions["keys"], extensions["upstream"]) == (
        operation,
        keys,
        upstream,
    )
    assert datetime.fromisoformat(extensions["sentAt"]).utcoffset() is not None
    assert extensions["requestId"]
