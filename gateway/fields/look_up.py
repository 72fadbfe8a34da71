"""Look-up of writes whose outcome is unknown: a record that was written after the sending proves it.

It must have the members that were sent. Absence proves nothing, because upstream may still be at the write.
No write is sent a second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from graphql import GraphQLError

from gateway import errors
from gateway.context import Info
from gateway.fields.scalars import from_upstream, has_offset, is_date
from gateway.upstream import cql
from gateway.upstream.client import Deadline
from gateway.upstream.collection import BoundCollection
from gateway.upstream.past_write import PastWrite
from gateway.upstream.record_types import Record, dig
from gateway.upstream.services import Upstream

T = TypeVar("T")

PAUSES = (0.0, 0.25, 0.75, 1.5)  # seconds before each look: upstream may still be at the write
ONCE = PAUSES[:1]

CREATED = "metadata.createdDate"

PRESENT: Final = object()
"""In the place of a value that is expected: any but null."""

NO_PROOF: Final = frozenset[str]()
"""In the place of a value that is expected: none proves anything."""

_LATEST = 10  # records of a requester that may have been created at the same time


class LookUp:
    """The reads for one write. `seen` is a sentence about the state that the last complete one showed."""

    def __init__(self, upstream: Upstream, past_write: PastWrite) -> None:
        self.upstream = upstream
        self.past_write = past_write
        self.seen = ""

    def proven(
        self, name: str, record: Record | None, expected: Mapping[str, Any], *, is_new: bool = False
    ) -> Record | None:
        """Return a record that was written after the sending and has the members that were sent, else None.

        `name` is that of the record in messages, `expected` are values by the names of members, with dots
        for members of members; a frozenset stands for one of several values (hence Any: JSON, and those).
        The time of writing is `metadata.updatedDate` or `createdDate`, which no caller sets, unlike
        `loanDate` (folio-org/raml, metadata.schema). A write that creates the record, `is_new`, is proved by
        the latter alone: a record that existed before may have been changed since.
        """
        if record is None:
            self.seen = f"The {name} does not exist."
            return None
        dates = ("createdDate",) if is_new else ("createdDate", "updatedDate")
        moments = [moment_of(dig(record, ("metadata", each))) for each in dates]
        written = max(filter(None, moments), default=None)
        if written is None:
            self.seen = f"The {name} does not show when it was written."
            return None
        if not self.past_write.precedes(written):
            self.seen = (
                f"The {name} was {'created' if is_new else 'last written'} before this write was sent."
            )
            return None
        return record if self.has_members(name, record, expected) else None

    def is_after(self, date: Any) -> bool:
        """Return True if a date and time of upstream's clock is after the sending. Any: JSON."""
        moment = moment_of(date) if has_offset(date) else None
        return moment is not None and self.past_write.precedes(moment)

    def has_members(self, name: str, record: Record, expected: Mapping[str, Any]) -> bool:
        """Return True if a record that was written after the sending has the members that were sent."""
        different = [member for member, value in expected.items() if not _is_same(value, record, member)]
        self.seen = f"The {name} was written after this write was sent, but has other values: " + ", ".join(
            f"`{member}`" for member in different
        )
        return not different

    async def item(self, barcode: str) -> Record | None:
        """Return the item with this barcode (mod-inventory, GET /inventory/items), which has an id."""
        page = await self.upstream.inventory.items(str(cql.equal("barcode", barcode)), limit=1)
        if page.records and isinstance(page.records[0].get("id"), str):
            return page.records[0]
        self.seen = "The item does not exist."
        return None

    async def open_loan(self, item_id: str) -> Record | None:
        """Return the open loan of an item (mod-circulation, GET /circulation/loans)."""
        query = cql.all_of(cql.equal("itemId", item_id), cql.equal("status.name", "Open"))
        return await _first(self.upstream.circulation.loans, str(query))

    async def changed_open_loan(self, item_barcode: str, expected: Mapping[str, Any]) -> Record | None:
        """Return the open loan of an item as `proven` does."""
        item = await self.item(item_barcode)
        if item is None:
            return None
        return self.proven("open loan of the item", await self.open_loan(item["id"]), expected)

    async def last_loan(self, item_id: str) -> Record | None:
        """Return the open loan of an item, or if it has none the one that was written last."""
        keys = [cql.SortKey(index, descending=True) for index in ("status.name", "metadata.updatedDate")]
        query = cql.sort_by(cql.equal("itemId", item_id), keys)
        return await _first(self.upstream.circulation.loans, query)

    async def changed_loan(self, loan_id: str, expected: Mapping[str, Any]) -> Record | None:
        """Return the loan with this id as `proven` does (mod-circulation, GET /circulation/loans)."""
        loan = await _first(self.upstream.circulation.loans, str(cql.equal("id", loan_id)))
        return self.proven("loan", loan, expected)

    async def request(self, request_id: str) -> Record | None:
        """Return the request with this id (mod-circulation, GET /circulation/requests)."""
        return await _first(self.upstream.circulation.requests, str(cql.equal("id", request_id)))

    async def user_id(self, barcode: str) -> object:
        """Return the id of the user with this barcode; None if there is none (mod-users, GET /users)."""
        return dig(await _first(self.upstream.users.users, str(cql.equal("barcode", barcode))), ("id",))

    async def new_record(
        self, name: str, collection: BoundCollection, expected: Mapping[str, Any], created: str = CREATED
    ) -> Record | None:
        """Return a record with these members, created after the sending, whatever its id.

        `created` is the index of its creation.
        """
        query = cql.equal("requesterId", expected["requesterId"])
        latest_first = cql.sort_by(query, [cql.SortKey(created, descending=True)])
        page = await collection(latest_first, limit=_LATEST)
        for record in page.records:
            if self.proven(name, record, expected, is_new=True) is not None:
                return record
        self.seen = f"No {name} was created after this write was sent with the values that were sent."
        return None


async def _first(collection: BoundCollection, query: str) -> Record | None:
    page = await collection(query, limit=1)
    return page.records[0] if page.records else None


async def look_up(
    info: Info,
    unknown: errors.OutcomeUnknown,
    find: Callable[[LookUp], Awaitable[T | None]],
    pauses: Iterable[float] = PAUSES,
) -> T:
    """Return the result of a write whose outcome is unknown, if `find` returns it with a proof.

    It is called up to four times, within LOOK_UP_TIMEOUT and the time of the operation, or `ONCE` if it only
    sees the state of what no record proves. Otherwise raises the error again, with what was seen in `seen`,
    or `Forbidden` if its response was a 403 and the user lacks the permission.
    """
    past_write = PastWrite(unknown.sent_at)
    looking = LookUp(info.context.upstream.for_look_up(past_write), past_write)
    deadline = looking.upstream.deadline = _deadline(looking.upstream)
    if unknown.permission is not None and deadline.remaining() > 0:
        await _check_permission(looking.upstream, unknown)
    for pause in pauses:
        if deadline.remaining() <= pause:
            break
        await asyncio.sleep(pause)
        try:
            result = await find(looking)
        except errors.GatewayError as problem:
            # The last read often has no time to end. An earlier one has seen more.
            looking.seen = looking.seen or f"The look-up failed: {problem.code}."
            errors.without_frames(problem)
            continue
        if result is not None:
            info.context.operation.confirm_mutation(unknown.details["operation"], unknown.upstream or "")
            return result
    if looking.seen:
        unknown.details["seen"] = looking.seen
    try:
        raise errors.without_frames(unknown)
    finally:
        del unknown, looking  # an error holds the frames that it passes, and these their locals


def _deadline(upstream: Upstream) -> Deadline:
    """Return the deadline of the reads: that of the operation, or an earlier one."""
    of_operation, seconds = upstream.deadline, upstream.look_up_timeout
    return Deadline(seconds, min(of_operation.clock() + seconds, of_operation.ends), of_operation.clock)


async def _check_permission(upstream: Upstream, unknown: errors.OutcomeUnknown) -> None:
    """Raise `Forbidden` if the user lacks the permission of the route, so that nothing was written."""
    try:
        permissions = await upstream.own_user.permissions()
    except errors.GatewayError as problem:
        errors.without_frames(problem)
        return
    if unknown.permission not in permissions:
        raise errors.Forbidden(
            f"{unknown.upstream} does not permit this to the user.", upstream=unknown.upstream, status=403
        )


def moment_of(value: Any) -> datetime | None:
    """Return a date of upstream; None if it is none. Any: JSON."""
    try:
        return datetime.fromisoformat(from_upstream(value))
    except (GraphQLError, ValueError):
        return None


def _is_same(sent: Any, record: Record, member: str) -> bool:  # Any: JSON
    value = dig(record, member.split("."))
    if sent is PRESENT:
        return value is not None
    if isinstance(sent, frozenset):
        return value in sent
    if isinstance(sent, str) and isinstance(value, str):
        if is_date(sent) and is_date(value) and (moment := moment_of(sent)) is not None:
            return moment == moment_of(value)
        return sent.lower() == value.lower()  # FOLIO compares ids and barcodes in any case
    return bool(sent == value)
