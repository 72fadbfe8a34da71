"""A diagnosis of an embedded library with settings of a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.doctor.diagnosis import Diagnosis, OnPending, ReadResult, Status, diagnose, services_to_check
from gateway.identity import Caller, PolarisIdentity
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport


def staff(sandbox: Sandbox, name: str = "head", *, token: str | None = None) -> Caller:
    """Return a seeded staff member with a FOLIO token and a Polaris identity."""
    summary = sandbox.summary()
    return Caller(
        tenant="diku",
        token=token or f"sandbox:{name}",
        request_id="1/doctor",
        polaris=PolarisIdentity(
            authorization=summary.polaris_authorizations["desk"],
            workstation=summary.polaris_workstation,
            organization=summary.polaris_organization,
        ),
    )


async def diagnose_sandbox(
    sandbox: Sandbox,
    caller: Caller,
    on_pending: OnPending = lambda names: None,
    **settings: Any,  # Any: settings are of several types
) -> Diagnosis:
    services = services_to_check(
        Settings(sandbox=True, **settings), lambda settings: in_process_transport(sandbox)
    )
    try:
        return await diagnose(services, caller, on_pending)
    finally:
        await services.aclose()


def reads_by_path(diagnosis: Diagnosis) -> Mapping[str, ReadResult]:
    return {each.path: each for each in diagnosis.reads}


def statuses(diagnosis: Diagnosis) -> set[Status]:
    return {each.status for each in diagnosis.reads}
