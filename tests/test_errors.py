"""Every error class has its code and states if a retry makes sense."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway import errors

# Every class of the tree, leaves and root. A class that is added needs its row, and a row in the manual.
EVERY_CLASS: dict[type[errors.GatewayError], tuple[str, bool]] = {
    errors.GatewayError: ("INTERNAL_ERROR", False),
    errors.BadRequest: ("BAD_REQUEST", False),
    errors.LimitExceeded: ("LIMIT_EXCEEDED", False),
    errors.BadUserInput: ("BAD_USER_INPUT", False),
    errors.Unauthenticated: ("UNAUTHENTICATED", False),
    errors.Forbidden: ("FORBIDDEN", False),
    errors.Conflict: ("CONFLICT", False),
    errors.UpstreamRejected: ("UPSTREAM_REJECTED", False),
    errors.IdempotencyKeyReused: ("IDEMPOTENCY_KEY_REUSED", False),
    errors.IdempotencyKeyInUse: ("IDEMPOTENCY_KEY_IN_USE", True),
    errors.RateLimited: ("RATE_LIMITED", True),
    errors.Overloaded: ("OVERLOADED", True),
    errors.UpstreamTimeout: ("UPSTREAM_TIMEOUT", True),
    errors.UpstreamUnavailable: ("UPSTREAM_UNAVAILABLE", True),
    errors.UpstreamNotConfigured: ("UPSTREAM_UNAVAILABLE", False),
    errors.UpstreamBadResponse: ("UPSTREAM_BAD_RESPONSE", False),
    errors.UpstreamError: ("UPSTREAM_ERROR", True),
    errors.OutcomeUnknown: ("OUTCOME_UNKNOWN", False),
    errors.Refused: ("UPSTREAM_REJECTED", False),
    errors.NotFound: ("NOT_FOUND", False),
}


def tree(root: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    """Return the class and all its subclasses in the gateway."""
    yield root
    for each in root.__subclasses__():
        if each.__module__.startswith("gateway."):
            yield from tree(each)


def test_every_class_has_its_row() -> None:
    """Every class of the error tree, in any module, has a row in the table, and every row a class."""
    assert set(tree(errors.GatewayError)) == set(EVERY_CLASS)


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: kind.__name__)
def test_each_class_has_its_code(kind: type[errors.GatewayError]) -> None:
    """The class and its extensions have the documented code and `retryable`."""
    code, retryable = EVERY_CLASS[kind]

    assert (kind.code, kind.retryable) == (code, retryable)
    sent: dict[str, Any] = {"sent_at": datetime.now(UTC)} if kind is errors.OutcomeUnknown else {}
    assert kind("m", **sent).extensions == {"code": code, "retryable": retryable}


def test_only_listed_classes_share_a_code() -> None:
    """Two failures have different codes, unless clients handle them in the same way."""
    shared: dict[str, list[str]] = {}
    for kind, (code, _) in EVERY_CLASS.items():
        shared.setdefault(code, []).append(kind.__name__)

    assert {code: names for code, names in shared.items() if len(names) > 1} == {
        "UPSTREAM_UNAVAILABLE": ["UpstreamUnavailable", "UpstreamNotConfigured"],
        "UPSTREAM_REJECTED": ["UpstreamRejected", "Refused"],
    }
