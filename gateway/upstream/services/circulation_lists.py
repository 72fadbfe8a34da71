"""Lists of loans and requests: those of the BFF, and circulation's where the BFF has none or fails on them.

Released versions of mod-circulation-bff have no `GET /circulation-bff/requests`, which came with 1.4 of
`circulation-bff-requests`, and before 1.3 of `circulation-bff-loans` no `GET /circulation-bff/loans`. Okapi,
Kong and sidecars respond to such a route with 404, Spring with 404 or 405. Later versions relay the 404 of
mod-requests-mediated for each page that is not empty if that module is absent, and respond with 500 to a page
with a request that has tags (mod-circulation-bff, CirculationBffServiceImpl, request.yaml).

Circulation has the same records. What it does not send, and the BFF does, is loaded by id; see
`gateway.fields.record.SourceSpecificField`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from gateway import errors
from gateway.upstream.client import Deadline
from gateway.upstream.collection import BoundCollection, Page, PageArguments, RecordDecoder

ABSENT_SECONDS = 300.0  # circulation is read for so long where the BFF does not serve a list
FAILED_SECONDS = 60.0  # and for so long after the BFF failed on a page of it
FIRST_READ_SECONDS = 0.25  # reads of one operation wait so long for its first; a proxy responds at once
MAX_LISTS = 2000  # remembered; the caller chooses the tenant, so the number must be bounded

_ABSENT = frozenset({404, 405})

ListsFrom: TypeAlias = Literal["auto", "bff", "circulation", "bff if served"]
"""The source of loans and requests: a value of LISTS_FROM, or the BFF for what only the BFF sends.

The latter is empty where the BFF does not serve the list.
"""

log = logging.getLogger(__name__)


class BffList:
    """One list of the BFF for one tenant, and if it is served."""

    __slots__ = ("_clock", "_is_tried", "_until", "is_known", "is_served", "name", "status")

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.is_known = False  # True once there was a response to learn from
        self.is_served = False  # True if that was a page
        self.status: int | None = None  # with which it failed; None if it is served
        self._until = 0.0
        self._is_tried = False
        self._clock = clock

    @property
    def is_absent(self) -> bool:
        """True if the BFF does not serve the list, as opposed to one that failed."""
        return self.status in _ABSENT

    def admit(self) -> bool:
        """Return True if the BFF may be read; `finish` must follow.

        While the list is not served that is one read after the time for which this is remembered.
        """
        if self.status is None:
            return True
        if self._is_tried or self._clock() < self._until:
            return False
        self._is_tried = True
        return True

    def record_success(self, *, was_served: bool) -> None:
        """Record a page. One that was requested before another failed does not prove that all succeed."""
        self.is_known = True
        if self.status is not None and not was_served:
            self.status = None
            log.info("%s is served by the BFF again", self.name)
        self.is_served = self.status is None

    def record_failure(self, status: int) -> None:
        """Record that the BFF does not serve the list, or failed on a page of it."""
        self.is_known, self.is_served = True, False
        seconds = ABSENT_SECONDS if status in _ABSENT else FAILED_SECONDS
        if self.status != status:
            log.warning("%s: the BFF responded with %s; read from circulation instead", self.name, status)
        self.status, self._until = status, self._clock() + seconds

    def finish(self, *, was_served: bool) -> None:
        """End a read that was admitted."""
        if not was_served:
            self._is_tried = False

    def forget(self) -> None:
        """Forget a failure that was not the BFF's alone."""
        self.status = None
        self.is_served = True


class BffLists(OrderedDict[tuple[str | None, str], BffList]):
    """The lists of the BFF by tenant and path, for the life of the process; the last used are kept.

    `lists[tenant, path]` is added if it is not there yet.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock

    def __missing__(self, key: tuple[str | None, str]) -> BffList:
        tenant, path = key
        known = self[key] = BffList(f"GET {path} of tenant {tenant}", self._clock)
        if len(self) > MAX_LISTS:
            self.popitem(last=False)
        return known


class BffOrCirculation(msgspec.Struct, eq=False):
    """The choice, for one operation, of the source of a list: circulation if the BFF has none or fails on it.

    An operation that finds out that the BFF does not serve it makes one more call. Its other reads of the
    list wait for the first response, up to `FIRST_READ_SECONDS`, so that they do not make one each.
    """

    find_circulation: Callable[[], BoundCollection]
    list_state: BffList
    deadline: Deadline
    first: asyncio.Future[None] | None = None

    def request_line_length(self, query: str, limit: int, offset: int) -> int:
        if self.list_state.status is None:
            return 0
        return self.find_circulation().request_line_length(query, limit=limit, offset=offset)

    async def choose(self, collection: BoundCollection, query: str | None, page: PageArguments) -> Page:
        """Read from one source or both. If both fail, the error is circulation's, with the BFF's status."""
        bff, first = self.list_state, None
        if not bff.is_known:
            first = await self._first_read()
        was_served = bff.status is None
        is_admitted = bff.admit()
        if is_admitted:
            try:
                result = await collection.read(query, page)
            except (errors.UpstreamBadResponse, errors.UpstreamError) as error:
                if not self.replaces(error):
                    raise
            else:
                bff.record_success(was_served=was_served)
                return result
            finally:
                bff.finish(was_served=was_served)
                if first is not None:
                    first.set_result(None)
            return await self.read(query, page)
        status, is_absent = bff.status, bff.is_absent
        try:
            return await self._read_circulation(query, page)
        except errors.GatewayError as error:
            if isinstance(error, errors.Forbidden) and not is_absent:
                return await collection.read(
                    query, page
                )  # it may be permitted, and need not fail on this page
            error.details = {**error.details, "bffStatus": status}
            raise

    def replaces(self, error: errors.GatewayError) -> bool:
        # An upstream that is not ready, a timeout, and a caller who is not permitted say nothing about it.
        if error.status is None or not (isinstance(error, errors.UpstreamError) or error.status in _ABSENT):
            return False
        self.list_state.record_failure(error.status)
        errors.without_frames(error)
        return True

    async def read(self, query: str | None, page: PageArguments) -> Page:
        bff = self.list_state
        status, is_absent = bff.status, bff.is_absent
        try:
            return await self._read_circulation(query, page)
        except errors.GatewayError as error:
            if not is_absent:
                bff.forget()
            error.details = {**error.details, "bffStatus": status}
            raise

    async def _read_circulation(self, query: str | None, page: PageArguments) -> Page:
        decoder = None if page.decoder is None else page.decoder.of_circulation
        return await self.find_circulation().read(query, msgspec.structs.replace(page, decoder=decoder))

    async def _first_read(self) -> asyncio.Future[None] | None:
        """Return a future to be set by the first read of this operation; others wait for it."""
        if self.first is None:
            self.first = asyncio.get_running_loop().create_future()
            return self.first
        seconds = min(FIRST_READ_SECONDS, self.deadline.remaining())
        await asyncio.wait({self.first}, timeout=max(0.0, seconds))
        return None


class BffIfServed(BoundCollection):
    """A list of the BFF for one operation; empty if the BFF does not serve it."""

    __slots__ = ("_bff",)

    def __init__(self, bff: BoundCollection, known: BffList) -> None:
        super().__init__(bff.client, bff.declaration)
        self._bff = known

    async def __call__(
        self,
        query: str | None,
        *,
        limit: int,
        offset: int = 0,
        total: bool = False,
        decoder: RecordDecoder | None = None,
    ) -> Page:
        bff = self._bff
        was_served = not bff.is_absent
        if not was_served and not bff.admit():
            return Page([], None)
        try:
            page = await super().__call__(query, limit=limit, offset=offset, total=total, decoder=decoder)
        except errors.UpstreamBadResponse as error:
            if error.status not in _ABSENT:
                raise
            bff.record_failure(error.status)
            return Page([], None)
        finally:
            bff.finish(was_served=was_served)
        bff.record_success(was_served=was_served)
        return page
