"""An examination of an embedded library, as a test arranges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.doctor.examination import Examination, Finding, Waiting, examine, services_to_examine
from gateway.doctor.verdict import Verdict
from gateway.identity import Caller, PolarisIdentity
from gateway.sandbox import Sandbox
from gateway.settings import Settings
from gateway.upstream.transport.transports import in_process_transport


def caller(sandbox: Sandbox, staff: str = "head", *, token: str | None = None) -> Caller:
    """A seeded staff member, known to FOLIO and to Polaris."""
    summary = sandbox.summary()
    return Caller(
        tenant="diku",
        token=token or f"sandbox:{staff}",
        request_id="1/doctor",
        polaris=PolarisIdentity(
            authorization=summary.polaris_authorizations["desk"],
            workstation=summary.polaris_workstation,
            organization=summary.polaris_organization,
        ),
    )


async def examined(
    sandbox: Sandbox,
    who: Caller,
    waiting: Waiting = lambda names: None,
    **settings: Any,  # Any: settings are of several types
) -> Examination:
    services = services_to_examine(
        Settings(sandbox=True, **settings), lambda limits: in_process_transport(sandbox)
    )
    try:
        return await examine(services, who, waiting)
    finally:
        await services.aclose()


def findings(examination: Examination) -> Mapping[str, Finding]:
    return {each.path: each for each in examination.questions}


def verdicts(examination: Examination) -> set[Verdict]:
    return {each.verdict for each in examination.questions}
