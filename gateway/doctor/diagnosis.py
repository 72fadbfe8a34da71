"""A diagnosis: the results of all checks, which run concurrently."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from gateway import errors
from gateway.doctor.checks import Check, Mutation, Read, ReplacedList, checks, mutations
from gateway.doctor.kafka import KafkaCheck
from gateway.doctor.store import StoreCheck
from gateway.identity import Caller
from gateway.settings import UpstreamSettings
from gateway.upstream.client import NotConfigured
from gateway.upstream.services import Services
from gateway.upstream.transport.transports import TransportFactory

NOTICE_INTERVAL = 1.0  # seconds until the first notice of pending checks, and between two notices

OnPending: TypeAlias = Callable[[Sequence[str]], None]


class Status(Enum):
    """The result of a check, as it is printed."""

    REACHABLE = "reachable"
    NOT_CONFIGURED = "not configured"
    NOT_CHECKED = "not checked"
    ABSENT = "absent"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    BAD_RESPONSE = "bad response"
    RATE_LIMITED = "rate limited"


HEALTHY = frozenset({Status.REACHABLE, Status.NOT_CONFIGURED, Status.NOT_CHECKED})

_STATUSES: tuple[tuple[type[errors.GatewayError], Status], ...] = (
    (errors.UpstreamNotConfigured, Status.NOT_CONFIGURED),
    (errors.Unauthenticated, Status.UNAUTHENTICATED),
    (errors.Forbidden, Status.FORBIDDEN),
    (errors.UpstreamRejected, Status.REJECTED),
    (errors.Conflict, Status.REJECTED),
    (errors.UpstreamTimeout, Status.TIMEOUT),
    (errors.UpstreamUnavailable, Status.UNAVAILABLE),
    (errors.UpstreamError, Status.FAILED),
    (errors.RateLimited, Status.RATE_LIMITED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """The result of one check. `is_healthy` is true if a gateway can work with it."""

    service: str
    path: str
    status: Status
    is_healthy: bool
    milliseconds: int
    message: str | None = None
    permission: str | None = None
    """The permission that FOLIO's module descriptors require; upstream's response is not repeated."""
    cure: str | None = None
    """The remedy for the operator, and the behaviour of the gateway until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationResult:
    """The result for a mutation, from the user's permissions; a mutation cannot be tried."""

    mutation: str
    status: Literal["permitted", "not permitted", "not checked"]
    missing_permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All results."""

    tenant: str
    is_healthy: bool
    has_permissions: bool
    reads: tuple[ReadResult, ...]
    mutations: tuple[MutationResult, ...]
    store: tuple[StoreCheck, ...] = ()
    kafka: tuple[KafkaCheck, ...] = ()


def services_to_check(settings: UpstreamSettings, transport: TransportFactory | None = None) -> Services:
    """Return the services as configured, but without retries and circuit breakers."""
    return Services(settings.replace(read_attempts=1, breaker=False), transport)


async def diagnose(
    services: Services,
    caller: Caller,
    on_pending: OnPending = lambda names: None,
    *,
    store: tuple[StoreCheck, ...] = (),
    kafka: tuple[KafkaCheck, ...] = (),
) -> Diagnosis:
    """Run every check for this caller, as many at once as UPSTREAM_CONCURRENCY allows.

    `store` are the checks of the shared store and `kafka` those of Kafka, which are part of the diagnosis.

    `on_pending` is called once a second with the names of pending checks. Every check ends within
    READ_TIMEOUT after its start, or within OPERATION_TIMEOUT if that is shorter; that of a list which the BFF
    does not serve is followed by another read.
    """
    all_checks = checks(caller.tenant)
    slots = asyncio.Semaphore(services.settings.upstream_concurrency)
    pending = {id(check): f"{check.service} {check.path}" for check in all_checks}

    async def run(check: Check) -> ReadResult:
        async with slots:
            result = await _run(services, caller, check)
        del pending[id(check)]
        return result

    notices = asyncio.create_task(_notify(pending, on_pending))
    try:
        reads, permissions = await asyncio.gather(
            asyncio.gather(*map(run, all_checks)), _permissions(services, caller)
        )
    finally:
        notices.cancel()
    return Diagnosis(
        tenant=caller.tenant,
        is_healthy=all(read.is_healthy for read in reads)
        and all(each.is_healthy for each in store)
        and all(each.is_healthy for each in kafka),
        has_permissions=permissions is not None,
        reads=tuple(reads),
        mutations=tuple(_mutation_result(each, permissions) for each in mutations()),
        store=store,
        kafka=kafka,
    )


async def _run(services: Services, caller: Caller, check: Check) -> ReadResult:
    began = time.perf_counter()
    status, message, cure = Status.REACHABLE, None, None
    try:
        if check.service == "polaris" and isinstance(services.polaris, NotConfigured):
            raise services.polaris.error()  # before an identity is required that is of no use
        await check.read(services.for_caller(caller))  # a separate operation, with the complete time of one
    except errors.GatewayError as error:
        if not (check.may_be_rejected and error.status == 422):
            status = _status(error)
            message = " ".join(getattr(error, "__notes__", ())) or error.message  # notes are for operators
    is_healthy = status in HEALTHY or (status is Status.ABSENT and not check.required)
    if check.replaced_list is not None and status in (Status.ABSENT, Status.FAILED):
        is_healthy = services.settings.lists_from != "bff"
        cure = await _cure(services, caller, check, check.replaced_list, status)
    return ReadResult(
        service=check.service,
        path=check.path,
        status=status,
        is_healthy=is_healthy,
        milliseconds=round(1000 * (time.perf_counter() - began)),
        message=message,
        permission=check.permission,
        cure=cure,
    )


async def _cure(
    services: Services, caller: Caller, check: Check, replaced: ReplacedList, status: Status
) -> str:
    """Return what helps against a list that the BFF does not serve, or fails on.

    A list whose empty page is served exists: its other pages depend on another module.
    """
    if services.settings.lists_from == "bff":
        gateway = "set LISTS_FROM=auto to read it from circulation"
    else:
        gateway = "it is read from circulation"
    if status is Status.FAILED:
        return f"the BFF fails on a page, as on requests with tags; {gateway}"
    if replaced.depends_on is not None and await _is_served(services, caller, check.read_empty):
        return f"the BFF breaks without {replaced.depends_on}: install that; {gateway}"
    return f"the BFF has no such list before {replaced.provided_by}: upgrade it; {gateway}"


async def _is_served(services: Services, caller: Caller, read: Read | None) -> bool:
    try:
        return read is not None and await read(services.for_caller(caller)) is not None
    except errors.GatewayError:
        return False


def _status(error: errors.GatewayError) -> Status:
    """Return the status of a check that ended in this error.

    Without an HTTP status the caller lacks something that is required before anything can be sent: a Polaris
    identity, or a workstation. The token of FOLIO is no such thing: an expired one is not sent either.
    """
    is_unsent = isinstance(error, errors.Unauthenticated | errors.BadUserInput) and error.status is None
    if is_unsent and error.upstream in (None, "polaris"):
        return Status.NOT_CHECKED
    if isinstance(error, errors.UpstreamBadResponse) and error.status in (404, 405):
        return Status.ABSENT
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), Status.BAD_RESPONSE)


async def _permissions(services: Services, caller: Caller) -> frozenset[str] | None:
    """Return the user's permissions; None if they cannot be read."""
    try:
        return await services.for_caller(caller).own_user.permissions()
    except errors.GatewayError:
        return None


def _mutation_result(mutation: Mutation, held: frozenset[str] | None) -> MutationResult:
    if held is None or mutation.permissions is None:
        return MutationResult(mutation=mutation.name, status="not checked")
    missing = tuple(each for each in mutation.permissions if each not in held)
    return MutationResult(
        mutation=mutation.name,
        status="not permitted" if missing else "permitted",
        missing_permissions=missing,
    )


async def _notify(pending: dict[int, str], on_pending: OnPending) -> None:
    while True:
        await asyncio.sleep(NOTICE_INTERVAL)
        if pending:  # else only the permissions are read
            on_pending(list(pending.values()))
