"""The records that a mutation changes, as each mutation declares them for subscribers.

They are known from the input, from upstream's response and from what the mutation had read anyway: nothing is
read for them. Values of any other type than text, which upstream may send, are like absent ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from gateway.live.changes import ALL_KEYS, Kind, Subject, updated_at
from gateway.live.folio_events import NOT_YET_FILLED, SLIP_TYPES
from gateway.live.own_mutations import ChangedRecord

InputT = TypeVar("InputT")
ResultT = TypeVar("ResultT")

Changed: TypeAlias = tuple[ChangedRecord, ...]

_KEYS: Mapping[Subject, tuple[str, ...]] = {
    "loan": ("id", "userId", "itemId"),
    "request": ("id", "requesterId", "instanceId", "itemId", "pickupServicePointId"),
    "requestQueue": ("instanceId", "itemId"),
    "item": ("id", "instanceId"),
    "checkIn": ("servicePointId", "itemId"),
    "user": ("id",),
    "accounts": ("userId",),
}
"""The members of records by which each subject is watched, as in `Change`."""


class Written(NamedTuple, Generic[InputT, ResultT]):
    """A write that succeeded or was confirmed by a look-up; without a `result`, one that may have happened.

    `before` is the record that the mutation had read.
    """

    input: InputT
    result: ResultT | None
    before: Mapping[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class NoChanges:
    """The reason why a mutation publishes no changes."""

    reason: str


# Any: each mutation has its own input and result.
ChangesOf: TypeAlias = Callable[[Written[Any, Any]], Iterable[ChangedRecord]]
Declared: TypeAlias = ChangesOf | NoChanges


def values_of(record: object) -> Mapping[str, Any]:  # Any: JSON
    """Return the members of a record; none of anything that is no record."""
    return record if isinstance(record, dict) else {}


def changes_of_loan(loan: Mapping[str, object], kind: Kind = "updated") -> Changed:
    """Return the change of a loan, from its members `id`, `userId` and `itemId`."""
    return _changed("loan", loan.get("id"), loan, kind=kind)


def changes_of_request(*states: Mapping[str, object], kind: Kind = "updated") -> Changed:
    """Return the changes of a request and of its queue, from its last state and those before.

    Their members are `id` and the keys by which requests are watched. Without an id, a request with these
    keys may have changed.
    """
    request = _changed("request", states[0].get("id"), *states, kind=kind)
    return (*request, *changes_of_queue(*states))


def changes_of_queue(*requests: Mapping[str, object]) -> Changed:
    """Return the change of the queue that has these requests, from their `instanceId` and `itemId`."""
    keys = [each.get(name) for each in requests for name in _KEYS["requestQueue"]]
    queue = next(filter(None, map(_text, keys)), None)
    return _changed("requestQueue", queue, *requests)


def changes_of_slips(*requests: Mapping[str, object]) -> Changed:
    """Return the change of all slips if one of these requests, or states of one, is or may be on a slip.

    The slips of a service point are the requests for items at its locations, which no request names.
    """
    for each in requests:
        kind, status = each.get("requestType"), each.get("status")
        if kind in (None, *SLIP_TYPES) and status in (None, NOT_YET_FILLED):
            return (ChangedRecord("slips", "updated", "", frozenset({ALL_KEYS})),)
    return ()


def changes_of_item(item_id: object, instance_id: object = None) -> Changed:
    """Return the change of an item; none without its id."""
    if _text(item_id) is None:
        return ()
    return _changed("item", item_id, {"id": item_id, "instanceId": instance_id})


def changes_of_user(user_id: object) -> Changed:
    """Return the change of what a user has, such as blocks; none without the id."""
    return _changed("user", user_id, {"id": user_id})


def changes_of_accounts(*user_ids: object) -> Changed:
    """Return the changes of the fees and fines of users; none without an id."""
    return tuple(
        change
        for user in dict.fromkeys(map(_text, user_ids))
        for change in _changed("accounts", user, {"userId": user})
    )


def changes_of_check_in(service_point_id: object, item_id: object) -> Changed:
    """Return the check-in of an item at a service point. Its id is that of the item."""
    keys = {"servicePointId": service_point_id, "itemId": item_id}
    return _changed("checkIn", item_id, keys, kind="created")


def changes_by_loan_id(written: Written[Any, Any]) -> Changed:
    """Return the change of the loan that the input names.

    The borrower, the item and, if there is a charge, the account are not known: upstream sends no body.
    """
    return changes_of_loan({"id": written.input.loan_id})


def changes_by_actions(written: Written[Any, Any]) -> Changed:
    """Return the changes of the fees and fines of the users in the actions that upstream has added.

    The input names accounts alone, so that nothing is known of an unknown outcome.
    """
    actions = None if written.result is None else written.result.record.get("feefineactions")
    users = [values_of(each).get("userId") for each in actions] if isinstance(actions, list) else []
    return changes_of_accounts(*users)


def _changed(
    subject: Subject, identifier: object, *states: Mapping[str, object], kind: Kind = "updated"
) -> Changed:
    """Return the change of one record by its last state and those before; none without a key."""
    own = _text(identifier)
    values = [(name, _text(state.get(name))) for state in states for name in _KEYS[subject]]
    watched = frozenset((name, value) for name, value in values if value is not None)
    if not watched:
        return ()
    if own is None:
        return (ChangedRecord(subject, "resync", "", watched),)
    changed_at = updated_at(states[0], zone=None) if ("id", own) in watched else None
    return (ChangedRecord(subject, kind, own, watched, changed_at),)


def _text(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and value else None
