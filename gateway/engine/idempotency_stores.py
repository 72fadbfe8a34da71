"""The stores of the claims of idempotency keys and of the responses to their requests, for 24 hours.

A store sees no key, token or authorization, only digests of them. Responses are kept as they were sent, so
they hold what clients selected, names and barcodes of patrons included.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec

from gateway.redis_store import RedisStore

T = TypeVar("T")

LEASE = 15.0  # seconds after which an owner that does not renew its claim counts as gone
EXPIRY = 24 * 3600.0  # seconds from the claim on
PREFIX = "gateway:idempotency:"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The claim of a key by the request that may send writes, its owner.

    `scope` is the digest of the key and of its user, `fingerprint` that of the request and `token` that of
    the token, empty without one. `claimed_at` is in milliseconds since 1970, by the clock of the owner, and
    `owner` unique to the request.
    """

    scope: str
    fingerprint: str
    token: str
    claimed_at: int
    owner: str

    @property
    def moment(self) -> datetime:
        """The time of the claim."""
        return datetime.fromtimestamp(self.claimed_at / 1000, UTC)

    @property
    def id(self) -> UUID:
        """An id that a repetition has too, and any other request has not.

        It does not depend on the time: if the claim is lost with its store, a record that was created under
        this id keeps upstream from creating another.
        """
        return uuid5(NAMESPACE_OID, f"{self.scope}/{self.fingerprint}")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its response, None if there is none.

    `is_running` until the owner has completed it, or has not renewed it for as long as `LEASE`. A response is
    conclusive if it holds no unknown outcome.
    """

    claim: Claim
    is_running: bool
    is_conclusive: bool = False
    response: bytes | None = None


class IdempotencyStore(Protocol):
    """The entries of this process, or of all that share a store; each method raises `RedisUnavailable`."""

    async def claim(self, claim: Claim) -> Entry | None:
        """Store a claim. Return the entry that has the scope already, which then stays as it is."""

    async def renew(self, claim: Claim) -> None:
        """Report that the owner of a claim is still there."""

    async def complete(self, claim: Claim, response: bytes | None, *, is_conclusive: bool) -> None:
        """Store the response of the owner, None if it cannot be kept. The owner is not running any more.

        A conclusive response of a look-up is not replaced by an inconclusive one. A claim that is lost is
        stored again.
        """

    async def complete_look_up(self, claim: Claim, response: bytes, *, is_conclusive: bool) -> None:
        """Store the response of a repetition, unless there is a conclusive one, or the claim is gone."""

    async def change_token(self, claim: Claim, token: str) -> None:
        """Replace the digest of the token."""

    async def release(self, claim: Claim) -> None:
        """Remove a claim of this owner, because nothing was sent."""


class _LocalEntry(msgspec.Struct):
    claim: Claim
    expires: float
    lease_ends: float | None
    is_conclusive: bool = False


class LocalIdempotencyStore:
    """The entries of this process, bounded by their number and by the bytes of all responses.

    Beyond the bytes, the oldest responses are dropped, which leaves their claims: their requests are looked
    up. Beyond the number, the oldest claims are dropped that are not running.
    """

    def __init__(
        self,
        *,
        max_keys: int,
        max_bytes: int,
        lease: float = LEASE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_keys = max_keys
        self._max_bytes = max_bytes
        self._lease = lease
        self._clock = clock
        self._entries: OrderedDict[str, _LocalEntry] = OrderedDict()  # the oldest claim first
        self._responses: OrderedDict[str, bytes] = OrderedDict()  # by scope, the oldest first
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes of all responses."""
        return self._bytes

    async def claim(self, claim: Claim) -> Entry | None:
        now = self._clock()
        self._drop_expired(now)
        entry = self._entries.get(claim.scope)
        if entry is not None:
            return Entry(
                claim=entry.claim,
                is_running=_is_running(entry, now),
                is_conclusive=entry.is_conclusive,
                response=self._responses.get(claim.scope),
            )
        self._add(claim, now, now + self._lease)
        return None

    async def renew(self, claim: Claim) -> None:
        entry = self._owned(claim)
        if entry is not None and entry.lease_ends is not None:
            entry.lease_ends = self._clock() + self._lease

    async def complete(self, claim: Claim, response: bytes | None, *, is_conclusive: bool) -> None:
        if claim.scope not in self._entries:
            self._add(claim, self._clock(), None)
        entry = self._owned(claim)
        if entry is not None:
            entry.lease_ends = None
            if response is not None and (is_conclusive or not entry.is_conclusive):
                self._put(entry, response, is_conclusive)

    async def complete_look_up(self, claim: Claim, response: bytes, *, is_conclusive: bool) -> None:
        entry = self._owned(claim)
        if entry is not None and not entry.is_conclusive:
            self._put(entry, response, is_conclusive)

    async def change_token(self, claim: Claim, token: str) -> None:
        entry = self._owned(claim)
        if entry is not None:
            entry.claim = msgspec.structs.replace(entry.claim, token=token)

    async def release(self, claim: Claim) -> None:
        if self._owned(claim) is not None:
            self._remove(claim.scope)

    def _owned(self, claim: Claim) -> _LocalEntry | None:
        entry = self._entries.get(claim.scope)
        return entry if entry is not None and entry.claim.owner == claim.owner else None

    def _add(self, claim: Claim, now: float, lease_ends: float | None) -> None:
        self._entries[claim.scope] = _LocalEntry(claim, now + EXPIRY, lease_ends)
        excess = len(self._entries) - self._max_keys
        if excess > 0:
            others = (scope for scope, each in self._entries.items() if not _is_running(each, now))
            for scope in [*islice((each for each in others if each != claim.scope), excess)]:
                self._remove(scope)

    def _put(self, entry: _LocalEntry, response: bytes, is_conclusive: bool) -> None:
        self._drop_response(entry.claim.scope)
        self._responses[entry.claim.scope] = response
        self._bytes += len(response)
        entry.is_conclusive = is_conclusive
        while self._bytes > self._max_bytes:
            scope = next(iter(self._responses))
            self._drop_response(scope)
            self._entries[scope].is_conclusive = False

    def _drop_response(self, scope: str) -> None:
        self._bytes -= len(self._responses.pop(scope, b""))

    def _drop_expired(self, now: float) -> None:
        while self._entries:
            scope, entry = next(iter(self._entries.items()))
            if entry.expires > now:
                break
            self._remove(scope)

    def _remove(self, scope: str) -> None:
        self._drop_response(scope)
        del self._entries[scope]


def _is_running(entry: _LocalEntry, now: float) -> bool:
    return entry.lease_ends is not None and entry.lease_ends > now


# Each entry is a hash: the fields of its claim, `lease` while its owner runs, by the clock of the store and
# in milliseconds, and `response` with `conclusive`, 1 or 0. All of it expires together.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
_ADD = """
local function add(fingerprint, token, claimed_at, owner, expiry)
  redis.call('HSET', KEYS[1], 'fingerprint', fingerprint, 'token', token, 'claimedAt', claimed_at,
    'owner', owner)
  redis.call('PEXPIRE', KEYS[1], expiry)
end
"""
CLAIM = f"""{_NOW}{_ADD}
local kept = redis.call('HMGET', KEYS[1], 'fingerprint', 'token', 'claimedAt', 'owner', 'lease', 'conclusive',
  'response')
if kept[4] then
  kept[5] = kept[5] and tonumber(kept[5]) > now and 1 or 0
  return kept
end
add(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[1], 'lease', now + ARGV[6])
return false
"""
RENEW = f"""{_NOW}
local kept = redis.call('HMGET', KEYS[1], 'owner', 'lease')
if kept[1] == ARGV[1] and kept[2] then redis.call('HSET', KEYS[1], 'lease', now + ARGV[2]) end
"""
COMPLETE = f"""{_ADD}
local kept = redis.call('HMGET', KEYS[1], 'owner', 'conclusive')
if kept[1] and kept[1] ~= ARGV[4] then return end
if kept[1] then redis.call('HDEL', KEYS[1], 'lease') else add(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]) end
if ARGV[7] and (ARGV[6] == '1' or kept[2] ~= '1') then
  redis.call('HSET', KEYS[1], 'conclusive', ARGV[6], 'response', ARGV[7])
end
"""
COMPLETE_LOOK_UP = """
local kept = redis.call('HMGET', KEYS[1], 'owner', 'conclusive')
if kept[1] == ARGV[1] and kept[2] ~= '1' then
  redis.call('HSET', KEYS[1], 'conclusive', ARGV[2], 'response', ARGV[3])
end
"""
CHANGE_DIGEST = """
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'token', ARGV[2]) end
"""
RELEASE = """
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisIdempotencyStore:
    """The entries of all replicas in a Valkey or Redis, bounded by its `maxmemory`.

    It must not evict (`maxmemory-policy noeviction`): a claim that is gone lets its write be sent again.
    """

    def __init__(self, store: RedisStore, *, lease: float = LEASE) -> None:
        self._store = store
        self._lease = round(lease * 1000)
        self._expiry = round(EXPIRY * 1000)

    async def claim(self, claim: Claim) -> Entry | None:
        kept = await self._execute(CLAIM, claim, *_fields(claim), self._expiry, self._lease)
        if kept is None:
            return None
        fingerprint, token, claimed_at, owner, is_running, conclusive, response = kept
        return Entry(
            claim=Claim(
                scope=claim.scope,
                fingerprint=fingerprint.decode(),
                token=token.decode(),
                claimed_at=int(claimed_at),
                owner=owner.decode(),
            ),
            is_running=bool(is_running),
            is_conclusive=conclusive == b"1",
            response=response,
        )

    async def renew(self, claim: Claim) -> None:
        await self._execute(RENEW, claim, claim.owner, self._lease)

    async def complete(self, claim: Claim, response: bytes | None, *, is_conclusive: bool) -> None:
        body = () if response is None else (response,)
        await self._execute(COMPLETE, claim, *_fields(claim), self._expiry, int(is_conclusive), *body)

    async def complete_look_up(self, claim: Claim, response: bytes, *, is_conclusive: bool) -> None:
        await self._execute(COMPLETE_LOOK_UP, claim, claim.owner, int(is_conclusive), response)

    async def change_token(self, claim: Claim, token: str) -> None:
        await self._execute(CHANGE_DIGEST, claim, claim.owner, token)

    async def release(self, claim: Claim) -> None:
        await self._execute(RELEASE, claim, claim.owner)

    async def _execute(self, script: str, claim: Claim, *arguments: str | int | bytes) -> Any:
        """Execute a script, once. Any: what it returns."""
        # With its text, which the store hashes: a digest alone may be unknown to a store that restarted.
        evaluate: Callable[..., Awaitable[Any]] = self._store.redis.eval
        return await self._store.execute(lambda: evaluate(script, 1, PREFIX + claim.scope, *arguments))


def _fields(claim: Claim) -> tuple[str, str, int, str]:
    return claim.fingerprint, claim.token, claim.claimed_at, claim.owner
