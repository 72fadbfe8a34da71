"""Idempotency keys: a mutation that is sent again with its key is not executed again.

A key is claimed in a store before anything is sent. Its response is kept and replayed. If there is none,
because its owner is gone, or if it holds an unknown outcome, the mutation is looked up and never sent again.
The header is that of draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4

import msgspec

from gateway import errors
from gateway.context import Context
from gateway.engine.idempotency_stores import LEASE, Claim, Entry, IdempotencyStore
from gateway.engine.kept_response import KeptResponse, merge, settled_fields, unknown_places
from gateway.engine.response_body import LARGE, LARGE_RESULT, GraphQLResponse, encode, encode_in_pieces
from gateway.errors import ErrorCode
from gateway.identity import Caller, PolarisIdentity, idempotency_key, token_subject
from gateway.observability.counters import ProcessCounter
from gateway.observability.operation import OperationRecord
from gateway.redis_store import RedisUnavailable

RENEWALS = 3  # of a claim in the time of its lease: two may be lost
MAX_RESPONSE = 1_000_000  # bytes; a longer one is not kept, and its request is looked up
RETRY_AFTER = 1.0  # seconds: most mutations take less

DECISIONS = ProcessCounter(
    "gateway_idempotency_decisions",
    "Mutations with an idempotency key, by what the gateway did.",
    "decision",
    ("new", "released", "replayed", "looked_up", "in_use", "reused", "unauthenticated", "unavailable"),
)
"""`new`: executed, and its response kept. `released`: nothing was sent, so that the key can be used again.
`unavailable`: refused, because the store does not respond."""

NOT_EXECUTED = frozenset(
    {
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.FORBIDDEN,
        ErrorCode.RATE_LIMITED,
        ErrorCode.UPSTREAM_UNAVAILABLE,
        ErrorCode.BAD_USER_INPUT,
    }
)
"""The outcomes of writes that upstream certainly did not execute, and may execute later."""

Execute: TypeAlias = Callable[[], Awaitable[GraphQLResponse]]


class KeyedRequest(NamedTuple):
    """A request with a key: digests of its scope, of what it requests and of its token, and its user."""

    scope: str
    fingerprint: str
    token: str
    subject: str | None


class EncodedResponse(NamedTuple):
    """A response as it is sent, and its errors, which are JSON (hence Any).

    `is_replayed` if it is that of an earlier request, or of the look-up of one.
    """

    body: bytes
    errors: list[dict[str, Any]]
    is_replayed: bool = False


class IdempotentMutations:
    """Executes mutations with a key, once each."""

    def __init__(
        self,
        store: IdempotencyStore,
        new_context: Callable[[Caller, OperationRecord], Context],
        *,
        lease: float = LEASE,
    ) -> None:
        """`lease` is that of the store, in seconds."""
        self.store = store
        self.new_context = new_context
        self._lease = lease
        self._pending: set[asyncio.Task[None]] = set()

    async def execute(self, request: KeyedRequest, context: Context, execute: Execute) -> EncodedResponse:
        """Execute a request, or return the response to the one that had its key first.

        Raises `UpstreamUnavailable` if the store does not respond, `Unauthenticated` if the token may be that
        of another user, `IdempotencyKeyReused` and `IdempotencyKeyInUse`. Nothing is sent then.
        """
        try:
            return await self._execute(request, context, execute)
        finally:
            if context.operation.idempotency is not None:
                DECISIONS.add(context.operation.idempotency)

    async def _execute(self, request: KeyedRequest, context: Context, execute: Execute) -> EncodedResponse:
        record = context.operation
        claim = Claim(
            scope=request.scope,
            fingerprint=request.fingerprint,
            token=request.token,
            claimed_at=int(time.time() * 1000),
            owner=uuid4().hex,
        )
        try:
            entry = await self.store.claim(claim)
        except RedisUnavailable:
            # The claim may have been stored nevertheless: it would keep the key in use for nothing.
            self._try_later(lambda: self.store.release(claim))
            record.idempotency = "unavailable"
            raise errors.UpstreamUnavailable(
                "The store of idempotency keys does not respond; nothing was sent.", retry_after=RETRY_AFTER
            ) from None
        if entry is None:
            return await self._execute_first(claim, context, execute)
        await self._check_user(entry, request, context)
        if entry.claim.fingerprint != request.fingerprint:
            record.idempotency = "reused"
            raise errors.IdempotencyKeyReused(
                "The Idempotency-Key was sent with another request before: its document, operation name or "
                "variables differ. Nothing was sent."
            )
        if entry.response is not None and entry.is_conclusive:
            record.idempotency = "replayed"
            return _encoded(entry.response, is_replayed=True)
        if entry.is_running:
            record.idempotency = "in_use"
            raise errors.IdempotencyKeyInUse(
                "The first request with this Idempotency-Key is still running. Nothing was sent.",
                retry_after=RETRY_AFTER,
            )
        return await self._look_up(entry, context, execute)

    async def aclose(self) -> None:
        """Cancel what is still to be written to the store."""
        for each in self._pending:
            each.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def _execute_first(self, claim: Claim, context: Context, execute: Execute) -> EncodedResponse:
        record, state = context.operation, context.mutations
        record.idempotency = "new"
        state.claimed_at, state.claim_id = claim.moment, claim.id
        async with self._renewed(claim):
            try:
                response = await execute()
                problems = [] if response.errors is msgspec.UNSET else response.errors
                body = await _encode(response, record)
            except Exception:
                await self._keep(claim, record, None, is_conclusive=False)
                raise
        await self._keep(claim, record, body, is_conclusive=not _has_unknown(problems))
        return EncodedResponse(body, problems)

    async def _keep(
        self, claim: Claim, record: OperationRecord, body: bytes | None, *, is_conclusive: bool
    ) -> None:
        """Store the response, or release the key if upstream certainly executed nothing."""
        if all(each.outcome in NOT_EXECUTED for each in record.mutations):
            record.idempotency = "released"
            await self._try(lambda: self.store.release(claim))
            return
        kept = body if body is not None and len(body) <= MAX_RESPONSE else None
        await self._try(lambda: self.store.complete(claim, kept, is_conclusive=is_conclusive))

    async def _look_up(self, entry: Entry, context: Context, execute: Execute) -> EncodedResponse:
        """Execute a repetition, whose writes are looked up, and add its results to those that are known."""
        record, state = context.operation, context.mutations
        record.idempotency = "looked_up"
        kept = None if entry.response is None else msgspec.json.decode(entry.response, type=KeptResponse)
        state.claimed_at, state.claim_id, state.is_repetition = entry.claim.moment, entry.claim.id, True
        state.settled, state.unknown_places = settled_fields(kept), unknown_places(kept)
        response = await execute()
        found = msgspec.json.decode(await _encode(response, record), type=KeptResponse)
        merged = merge(kept, found, entry.claim.moment, record.request_id)
        body = encode(merged)
        problems = [] if merged.errors is msgspec.UNSET else merged.errors
        if len(body) <= MAX_RESPONSE:
            await self._try(
                lambda: self.store.complete_look_up(entry.claim, body, is_conclusive=merged.is_conclusive)
            )
        return EncodedResponse(body, problems, is_replayed=True)

    async def _check_user(self, entry: Entry, request: KeyedRequest, context: Context) -> None:
        """Raise `Unauthenticated` unless the token is that of the first request, or of the same user.

        Anyone can write the user of another into a token. Upstream verifies the signature, so that one read
        with the token proves whose it is. A token that has expired proves nothing.
        """
        expires = context.caller.token_expires
        if entry.claim.token == request.token and (expires is None or time.time() < expires):
            return
        try:
            names = await context.upstream.own_user.names()
        except errors.GatewayError:
            names = frozenset()
        if request.subject is None or request.subject not in names:
            context.operation.idempotency = "unauthenticated"
            raise errors.Unauthenticated(
                "The Idempotency-Key was sent with another token before, and upstream does not confirm that "
                "this one is of the same user. Nothing was sent."
            )
        with suppress(RedisUnavailable):
            await self.store.change_token(entry.claim, request.token)

    @asynccontextmanager
    async def _renewed(self, claim: Claim) -> AsyncIterator[None]:
        """Renew a claim until the end of the block."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._lease / RENEWALS)
                with suppress(RedisUnavailable):
                    await self.store.renew(claim)

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait((renewing,))

    async def _try(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write to the store, or try it again in the background while the claim lasts."""
        try:
            await write()
        except RedisUnavailable:
            self._try_later(write)

    def _try_later(self, write: Callable[[], Awaitable[None]]) -> None:
        async def repeat() -> None:
            until = time.monotonic() + self._lease
            while time.monotonic() < until:
                await asyncio.sleep(self._lease / 10)
                with suppress(RedisUnavailable):
                    await write()
                    return

        task = asyncio.create_task(repeat())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)


def keyed_request(
    caller: Caller, text: str, operation_name: str | None, variables: Mapping[str, Any]
) -> KeyedRequest:
    """Return the digests of a request with the header `Idempotency-Key`. Raises `BadRequest` for its key.

    `variables` are those that the operation declares and the client sent, as JSON (hence Any).
    """
    lines = None if caller.options is None else caller.options.idempotency_lines
    key = idempotency_key(lines or ())
    subject = None if caller.token is None else token_subject(caller.token)
    token = "" if caller.token is None else _digest(caller.token)
    polaris = caller.polaris or PolarisIdentity()
    try:
        values = json.dumps(
            variables, sort_keys=True, separators=(",", ":")
        )  # ASCII, halves of pairs included
    except RecursionError:
        raise errors.BadRequest("Member variables is nested too deeply.") from None
    user = ("user", subject) if subject is not None else ("token", token)
    workstation = None if polaris.workstation is None else str(polaris.workstation)
    return KeyedRequest(
        scope=_digest(caller.tenant, *user, polaris.authorization, workstation, key.decode("ascii")),
        fingerprint=_digest(caller.tenant, text, operation_name, values),
        token=token,
        subject=subject,
    )


def _digest(*parts: str | None) -> str:
    """Return the SHA-256 of texts, each with its length, so that no two lists of texts are one text."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = b"" if part is None else part.encode(errors="surrogatepass")
        digest.update(b"-" if part is None else b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()


async def _encode(response: GraphQLResponse, record: OperationRecord) -> bytes:
    if record.received < LARGE and record.result_size < LARGE_RESULT:
        return encode(response)
    _, pieces = await encode_in_pieces(response, record, max_bytes=sys.maxsize, max_records=sys.maxsize)
    return b"".join(pieces)


def _encoded(body: bytes, *, is_replayed: bool) -> EncodedResponse:
    kept = msgspec.json.decode(body, type=KeptResponse)
    return EncodedResponse(body, [] if kept.errors is msgspec.UNSET else kept.errors, is_replayed)


def _has_unknown(problems: Iterable[Mapping[str, Any]]) -> bool:
    return any(each["extensions"]["code"] == ErrorCode.OUTCOME_UNKNOWN for each in problems)
