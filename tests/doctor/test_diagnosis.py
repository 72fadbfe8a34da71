"""A diagnosis of the services for one user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest
from msgspec import structs

from gateway.doctor.checks import mutations
from gateway.doctor.diagnosis import Diagnosis, Status, diagnose, services_to_check
from gateway.graph import schema
from gateway.identity import Caller
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.http.bff import VERSIONS, Responder
from gateway.sandbox.http.permissions import OVERRIDE_PERMISSIONS
from gateway.settings import Settings
from tests.doctor.diagnosed import diagnose_sandbox, reads_by_path, staff, statuses
from tests.store_server import free_port
from tests.tokens import web_token

pytestmark = pytest.mark.anyio

FORBIDDEN = "Access for user 'x' (y) requires permission: z"


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


def missing_permissions(diagnosis: Diagnosis) -> dict[str, tuple[str, ...]]:
    return {
        each.mutation: each.missing_permissions
        for each in diagnosis.mutations
        if each.status == "not permitted"
    }


def test_every_mutation_is_listed() -> None:
    """The listed mutations are those of the graph, and the overrides."""
    mutation = schema._schema.mutation_type
    assert mutation is not None
    names = {each.name.partition(",")[0] for each in mutations()}

    assert {name for name in names if not name.startswith("override ")} == set(mutation.fields)


async def test_the_head_of_circulation_has_all_permissions(sandbox: Sandbox) -> None:
    """Everything is reachable, each path is read once, and every mutation of FOLIO is permitted."""
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert statuses(diagnosis) == {Status.REACHABLE}
    assert diagnosis.is_healthy
    assert {each.mutation for each in diagnosis.mutations if each.status != "permitted"} == {
        "lockObject",
        "unlockObject",
        "releaseMyLocks",
    }
    assert len(sandbox.calls) == len(diagnosis.reads) + 1  # and the permissions
    assert {call.method for call in sandbox.calls if "/check-" not in call.path} == {"GET"}


async def test_the_desk_lacks_the_overrides(sandbox: Sandbox) -> None:
    """The result of a mutation names the permission that the user lacks."""
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox, "desk"))

    assert diagnosis.is_healthy
    missing = missing_permissions(diagnosis)
    assert set(missing) == {
        "override patronBlock",
        "override itemLimitBlock",
        "override itemNotLoanableBlock",
        "override renewalBlock",
    }
    assert {each for permissions in missing.values() for each in permissions} == OVERRIDE_PERMISSIONS


async def test_a_user_without_permissions(sandbox: Sandbox) -> None:
    """Each path of FOLIO is forbidden, with the permission that it needs; the locks of Polaris are not."""
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox, "nobody"))

    assert not diagnosis.is_healthy
    assert reads_by_path(diagnosis)["/objectlocks"].status is Status.REACHABLE
    of_folio = [each for each in diagnosis.reads if each.service != "polaris"]
    assert {each.status for each in of_folio} == {Status.FORBIDDEN}
    assert reads_by_path(diagnosis)["/users"].permission == "users.collection.get"
    assert missing_permissions(diagnosis)["cancelRequest"] == (
        "circulation.requests.item.get",
        "circulation.requests.item.put",
    )


@pytest.mark.parametrize("token", ["expired", web_token({"exp": 1})])
async def test_an_expired_token(sandbox: Sandbox, token: str) -> None:
    """Each path of FOLIO is unauthenticated, and no mutation can be checked."""
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox, token=token))

    of_folio = [each for each in diagnosis.reads if each.service != "polaris"]
    assert {each.status for each in of_folio} == {Status.UNAUTHENTICATED}
    assert not diagnosis.has_permissions
    assert {each.status for each in diagnosis.mutations} == {"not checked"}


async def test_an_unknown_tenant(sandbox: Sandbox) -> None:
    """A 400 about the tenant is a rejection, even for a check that may be rejected."""
    diagnosis = await diagnose_sandbox(sandbox, structs.replace(staff(sandbox), tenant="elsewhere"))

    of_folio = [each for each in diagnosis.reads if each.service != "polaris"]
    assert {each.status for each in of_folio} == {Status.REJECTED}


async def test_one_upstream_that_hangs(sandbox: Sandbox) -> None:
    """It is a timeout after READ_TIMEOUT; the others do not wait for it."""
    sandbox.faults.add(kind="slow", path="/circulation-bff", delay=60)
    began = time.monotonic()

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox), read_timeout=1.5)

    assert time.monotonic() - began < 6
    hanging = [each for each in diagnosis.reads if each.service == "bff"]
    others = [each for each in diagnosis.reads if each.service != "bff"]
    assert {each.status for each in hanging} == {Status.TIMEOUT}
    assert {each.status for each in others} == {Status.REACHABLE}
    assert min(each.milliseconds for each in hanging) >= 1500
    assert max(each.milliseconds for each in others) < 1500
    assert not diagnosis.is_healthy


async def test_pending_checks_are_reported(sandbox: Sandbox) -> None:
    """After each second the pending checks are named, and those that ended are not."""
    sandbox.faults.add(kind="slow", path="/tags", delay=60)
    notices: list[Sequence[str]] = []
    began = time.monotonic()

    await diagnose_sandbox(sandbox, staff(sandbox), notices.append, read_timeout=1.5)

    seconds = int(time.monotonic() - began)  # more on a busy machine, where others are pending at first
    assert 1 <= len(notices) <= seconds
    assert notices[-1] == ["folio /tags"]


async def test_nothing_is_reported_within_a_second(sandbox: Sandbox) -> None:
    """A quick diagnosis reports no pending checks."""
    notices: list[Sequence[str]] = []

    await diagnose_sandbox(sandbox, staff(sandbox), notices.append)

    assert notices == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 500}, Status.FAILED),
        ({"kind": "status", "status": 503}, Status.UNAVAILABLE),
        ({"kind": "status", "status": 429}, Status.RATE_LIMITED),
        ({"kind": "status", "status": 400}, Status.REJECTED),
        ({"kind": "status", "status": 422}, Status.REJECTED),
        ({"kind": "html"}, Status.BAD_RESPONSE),
        ({"kind": "empty"}, Status.BAD_RESPONSE),
        ({"kind": "wrong_shape"}, Status.BAD_RESPONSE),
        ({"kind": "truncate"}, Status.BAD_RESPONSE),
    ],
    ids=lambda value: value.value if isinstance(value, Status) else None,
)
async def test_a_fault_of_one_path(sandbox: Sandbox, fault: dict[str, object], status: Status) -> None:
    """It is the status of that path, which is requested once, and of no other."""
    sandbox.faults.add(path="/groups", **fault)  # type: ignore[arg-type]  # one fault of many kinds

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert [(each.path, each.status) for each in diagnosis.reads if not each.is_healthy] == [
        ("/groups", status)
    ]
    assert [call.path for call in sandbox.calls].count("/groups") == 1


async def test_a_fault_of_all_paths(sandbox: Sandbox) -> None:
    """No circuit breaker holds later checks back, so none gets its status from the faults of others."""
    sandbox.faults.add(kind="status", status=500)

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox), upstream_concurrency=1)

    assert statuses(diagnosis) == {Status.FAILED}


NOT_ROUTED = "No suitable module found for path {} for tenant diku"


@pytest.mark.parametrize(
    ("path", "is_healthy"),
    [
        ("/tags", True),
        ("/audit-data/circulation/logs", True),
        ("/circulation/rules/notice-policy", True),
        ("/users", False),
    ],
)
async def test_an_interface_that_the_tenant_lacks(sandbox: Sandbox, path: str, is_healthy: bool) -> None:
    """A path that is not routed is absent: healthy for an optional interface only."""
    sandbox.faults.add(kind="status", status=404, path=path, body=NOT_ROUTED.format(path))

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert reads_by_path(diagnosis)[path].status is Status.ABSENT
    assert reads_by_path(diagnosis)[path].is_healthy is is_healthy
    assert diagnosis.is_healthy is is_healthy


async def test_a_list_of_a_record_that_the_tenant_lacks(sandbox: Sandbox) -> None:
    """The notes of a record are read as a page: of an unknown record they are none, and a 404 is absence."""
    path = "/note-links/domain/{domain}/type/{objectType}/id/{objectId}"
    present = reads_by_path(await diagnose_sandbox(sandbox, staff(sandbox)))[path]
    sandbox.faults.add(kind="status", status=404, path="/note-links", body=NOT_ROUTED.format("/note-links"))

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert (present.status, present.permission) == (Status.REACHABLE, "note.links.collection.get")
    assert reads_by_path(diagnosis)[path].status is Status.ABSENT
    assert diagnosis.is_healthy


async def test_locks_are_not_checked_without_a_polaris_identity(sandbox: Sandbox) -> None:
    """Without an identity no locks can be read, which is no fault."""
    diagnosis = await diagnose_sandbox(sandbox, structs.replace(staff(sandbox), polaris=None))

    assert reads_by_path(diagnosis)["/objectlocks"].status is Status.NOT_CHECKED
    assert diagnosis.is_healthy
    assert [call for call in sandbox.calls if "objectlocks" in call.path] == []


async def test_an_upstream_without_an_address_is_not_configured() -> None:
    """Without OKAPI_URL only the BFF is called, and the rest is reported as not configured."""

    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith("/circulation-bff/")
        return httpx.Response(403, text=FORBIDDEN)

    services = services_to_check(
        Settings(bff_url="http://bff"), lambda settings: httpx.MockTransport(respond)
    )

    diagnosis = await diagnose(services, Caller(tenant="diku", request_id="1/doctor"))

    assert {each.status for each in diagnosis.reads if each.service == "bff"} == {Status.FORBIDDEN}
    others = [each for each in diagnosis.reads if each.service != "bff"]
    assert {each.status for each in others} == {Status.NOT_CONFIGURED}


async def test_eureka_lists_permissions_as_text() -> None:
    """If mod-users-bl is absent, mod-users-keycloak is read, which lists names."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/users-keycloak/_self":
            assert dict(request.url.params) == {"expandPermissions": "true"}
            names = ["circulation.renew-by-id.post", "users.collection.get"]
            return httpx.Response(200, json={"user": {}, "permissions": {"permissions": names}})
        return httpx.Response(404, json={"errors": [{"code": "route_not_found_error"}], "total_records": 1})

    services = services_to_check(
        Settings(okapi_url="http://sidecar"), lambda settings: httpx.MockTransport(respond)
    )

    diagnosis = await diagnose(services, Caller(tenant="diku", request_id="1/doctor"))

    assert diagnosis.has_permissions
    assert {each.mutation for each in diagnosis.mutations if each.status == "permitted"} == {"renew, by ids"}
    of_folio = [each for each in diagnosis.reads if each.service != "polaris"]
    assert {each.status for each in of_folio} == {Status.ABSENT}


async def test_concurrency_is_bounded(sandbox: Sandbox) -> None:
    """UPSTREAM_CONCURRENCY bounds the checks in flight, and none is rejected because of it."""
    in_flight = maximum = 0

    async def respond(request: httpx.Request) -> httpx.Response:
        nonlocal in_flight, maximum
        in_flight += 1
        maximum = max(maximum, in_flight)
        await asyncio.sleep(0.01)
        in_flight -= 1
        return httpx.Response(403, text=FORBIDDEN)

    services = services_to_check(
        Settings(okapi_url="http://okapi", upstream_concurrency=4),
        lambda settings: httpx.MockTransport(respond),
    )

    diagnosis = await diagnose(services, staff(sandbox))

    assert maximum <= 5  # and the permissions
    assert {each.status for each in diagnosis.reads if each.service == "folio"} == {Status.FORBIDDEN}


@pytest.mark.parametrize("held", [None, {"permissions": "all"}, ["users.collection.get"]])
async def test_unreadable_permissions(sandbox: Sandbox, held: object) -> None:
    """A response of another shape leaves the mutations unknown, and is no fault of the paths."""
    for path in ("/bl-users/_self", "/users-keycloak/_self"):
        sandbox.faults.add(kind="wrong_shape", path=path, shape={"permissions": held})

    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert diagnosis.is_healthy
    assert not diagnosis.has_permissions
    assert {each.status for each in diagnosis.mutations} == {"not checked"}


REQUESTS = "/circulation-bff/requests"


@pytest.mark.parametrize("responder", ["okapi", "sidecar", "kong", "spring"])
async def test_a_released_bff(responder: Responder) -> None:
    """The BFF of a release has no list of requests: the doctor names its source and its version."""
    bff = replace(VERSIONS["released"], absent_from=responder)
    diagnosis = await diagnose_sandbox(sandbox := create_sandbox(bff=bff), staff(sandbox))

    result = reads_by_path(diagnosis)
    assert diagnosis.is_healthy
    assert result[REQUESTS].status is Status.ABSENT
    assert result[REQUESTS].cure == (
        "the BFF has no such list before mod-circulation-bff 1.2.0 (circulation-bff-requests 1.4): "
        "upgrade it; it is read from circulation"
    )
    assert result["/circulation-bff/batch-requests"].status is Status.ABSENT
    assert {each.status for path, each in result.items() if "requests" not in path} == {Status.REACHABLE}


async def test_an_early_bff() -> None:
    """Early releases have no list of loans either."""
    diagnosis = await diagnose_sandbox(sandbox := create_sandbox(bff=VERSIONS["early"]), staff(sandbox))

    assert diagnosis.is_healthy
    assert reads_by_path(diagnosis)["/circulation-bff/loans"].cure == (
        "the BFF has no such list before mod-circulation-bff 1.1.4 (circulation-bff-loans 1.3): upgrade it; "
        "it is read from circulation"
    )


async def test_a_bff_that_breaks_without_another_module() -> None:
    """A list whose empty page is served exists, and fails without mod-requests-mediated."""
    sandbox = create_sandbox(bff=VERSIONS["without-mediated-requests"])
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert diagnosis.is_healthy
    assert reads_by_path(diagnosis)[REQUESTS].cure == (
        "the BFF breaks without mod-requests-mediated: install that; it is read from circulation"
    )


async def test_a_bff_that_fails_on_tags() -> None:
    """A list on which the BFF fails is read from circulation as well."""
    sandbox = create_sandbox(bff=VERSIONS["fails-on-tags"])
    for each in sandbox.library("diku").requests.values():
        each["tags"] = {"tagList": ["urgent"]}
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox))

    assert diagnosis.is_healthy
    assert reads_by_path(diagnosis)[REQUESTS].status is Status.FAILED
    assert reads_by_path(diagnosis)[REQUESTS].cure == (
        "the BFF fails on a page, as on requests with tags; it is read from circulation"
    )


async def test_lists_from_a_released_bff_alone() -> None:
    """With LISTS_FROM=bff nothing replaces the list, and the remedy names the setting."""
    sandbox = create_sandbox(bff=VERSIONS["released"])
    diagnosis = await diagnose_sandbox(sandbox, staff(sandbox), lists_from="bff")

    assert not diagnosis.is_healthy
    assert reads_by_path(diagnosis)[REQUESTS].cure == (
        "the BFF has no such list before mod-circulation-bff 1.2.0 (circulation-bff-requests 1.4): "
        "upgrade it; set LISTS_FROM=auto to read it from circulation"
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:{port}", "its port refuses connections"),
        ("http://no-such-host.invalid", "its host name cannot be resolved"),
    ],
)
async def test_an_address_that_cannot_be_reached(url: str, reason: str) -> None:
    """The reason is named for each path, for the operator."""
    services = services_to_check(Settings(okapi_url=url.format(port=free_port())))
    caller = Caller(tenant="diku", token=None, request_id="1/doctor")
    try:
        diagnosis = await diagnose(services, caller)
    finally:
        await services.aclose()

    messages = {each.message for each in diagnosis.reads if each.service != "polaris"}
    assert messages == {f"folio cannot be reached: {reason}.", f"bff cannot be reached: {reason}."}
    assert not diagnosis.is_healthy
