"""What is found out of the services in the name of one user."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest

from gateway.doctor.checks import ACTS, NOT_ASKED, questions
from gateway.doctor.examination import Examination, examine, services_to_examine
from gateway.doctor.verdict import Verdict
from gateway.graph import schema
from gateway.identity import Caller
from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.http.permissions import OVERRIDE_PERMISSIONS
from gateway.settings import Settings
from gateway.upstream.interfaces import routes
from tests.doctor.examined import caller, examined, findings, verdicts

pytestmark = pytest.mark.anyio

LOANS = "/circulation-bff/loans"


@pytest.fixture(name="sandbox")
def _sandbox() -> Sandbox:
    return create_sandbox()


def lacking(examination: Examination) -> dict[str, tuple[str, ...]]:
    return {each.act: each.lacks for each in examination.acts if each.verdict == "may not"}


def test_every_path_that_is_read_is_asked() -> None:
    """There is a question for each path that FOLIO is asked, save three, and one for the locks of Polaris."""
    read = {route.path for _, route in routes() if route.method == "GET"}

    assert {each.path for each in questions("diku")} == read - NOT_ASKED | {"/objectlocks"}


def test_every_act_is_listed() -> None:
    """The acts that are told of are those of the graph, and the overrides."""
    mutation = schema._schema.mutation_type
    assert mutation is not None
    names = {each.name.partition(",")[0] for each in ACTS}

    assert {name for name in names if not name.startswith("override ")} == set(mutation.fields)


async def test_the_head_of_circulation_may_everything(sandbox: Sandbox) -> None:
    """Everything is reachable, each path asked once, and every act of FOLIO allowed."""
    examination = await examined(sandbox, caller(sandbox))

    assert verdicts(examination) == {Verdict.REACHABLE}
    assert examination.is_fine
    assert {each.act for each in examination.acts if each.verdict != "may"} == {
        "lockObject",
        "unlockObject",
        "releaseMyLocks",
    }
    assert len(sandbox.calls) == len(examination.questions) + 1  # and the permissions
    assert {call.method for call in sandbox.calls} == {"GET"}


async def test_the_desk_may_not_override(sandbox: Sandbox) -> None:
    """The acts tell what the user's permissions say, and which permission is lacking."""
    examination = await examined(sandbox, caller(sandbox, "desk"))

    assert examination.is_fine
    assert set(lacking(examination)) == {
        "override patronBlock",
        "override itemLimitBlock",
        "override itemNotLoanableBlock",
        "override renewalBlock",
    }
    assert {each for lacks in lacking(examination).values() for each in lacks} == OVERRIDE_PERMISSIONS


async def test_somebody_without_rights(sandbox: Sandbox) -> None:
    """Each path of FOLIO is forbidden, with the permission that it needs; the locks of Polaris are not."""
    examination = await examined(sandbox, caller(sandbox, "nobody"))

    assert not examination.is_fine
    assert findings(examination)["/objectlocks"].verdict is Verdict.REACHABLE
    of_folio = [each for each in examination.questions if each.service != "polaris"]
    assert {each.verdict for each in of_folio} == {Verdict.FORBIDDEN}
    assert findings(examination)["/users"].permission == "users.collection.get"
    assert lacking(examination)["cancelRequest"] == (
        "circulation.requests.item.get",
        "circulation.requests.item.put",
    )


async def test_a_token_that_has_run_out(sandbox: Sandbox) -> None:
    """Each path of FOLIO is unauthenticated, and of the acts nothing is known."""
    examination = await examined(sandbox, caller(sandbox, token="expired"))  # noqa: S106 - no secret

    of_folio = [each for each in examination.questions if each.service != "polaris"]
    assert {each.verdict for each in of_folio} == {Verdict.UNAUTHENTICATED}
    assert not examination.permissions_are_known
    assert {each.verdict for each in examination.acts} == {"not tried"}


async def test_a_tenant_that_is_not_there(sandbox: Sandbox) -> None:
    """A 400 about the tenant is a refusal, even of a question that may be refused."""
    examination = await examined(sandbox, replace(caller(sandbox), tenant="elsewhere"))

    of_folio = [each for each in examination.questions if each.service != "polaris"]
    assert {each.verdict for each in of_folio} == {Verdict.REFUSED}


async def test_one_upstream_that_hangs(sandbox: Sandbox) -> None:
    """It is a timeout after READ_TIMEOUT; the others do not wait for it."""
    sandbox.faults.add(kind="slow", path="/circulation-bff", delay=60)
    began = time.monotonic()

    examination = await examined(sandbox, caller(sandbox), read_timeout=0.5)

    assert time.monotonic() - began < 5
    hanging = [each for each in examination.questions if each.service == "bff"]
    others = [each for each in examination.questions if each.service != "bff"]
    assert {each.verdict for each in hanging} == {Verdict.TIMEOUT}
    assert {each.verdict for each in others} == {Verdict.REACHABLE}
    assert min(each.milliseconds for each in hanging) >= 500
    assert max(each.milliseconds for each in others) < 500
    assert not examination.is_fine


async def test_people_are_told_what_is_waited_for(sandbox: Sandbox) -> None:
    """After a second the open questions are named, and those that were answered are not."""
    sandbox.faults.add(kind="slow", path="/tags", delay=60)
    told: list[Sequence[str]] = []

    await examined(sandbox, caller(sandbox), told.append, read_timeout=1.5)

    assert told == [["folio /tags"]]


async def test_nothing_is_told_when_it_is_quick(sandbox: Sandbox) -> None:
    """Within a second nobody is told anything."""
    told: list[Sequence[str]] = []

    await examined(sandbox, caller(sandbox), told.append)

    assert told == []


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"kind": "status", "status": 500}, Verdict.FAILED),
        ({"kind": "status", "status": 503}, Verdict.UNAVAILABLE),
        ({"kind": "status", "status": 429}, Verdict.RATE_LIMITED),
        ({"kind": "status", "status": 400}, Verdict.REFUSED),
        ({"kind": "status", "status": 422}, Verdict.REFUSED),
        ({"kind": "html"}, Verdict.BAD_RESPONSE),
        ({"kind": "empty"}, Verdict.BAD_RESPONSE),
        ({"kind": "wrong_shape"}, Verdict.BAD_RESPONSE),
        ({"kind": "truncate"}, Verdict.BAD_RESPONSE),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else None,
)
async def test_a_fault_of_one_path(sandbox: Sandbox, fault: dict[str, object], verdict: Verdict) -> None:
    """It is told of that path, which is sent once, and of no other."""
    sandbox.faults.add(path="/groups", **fault)  # type: ignore[arg-type]  # one fault of many kinds

    examination = await examined(sandbox, caller(sandbox))

    wrong = [(each.path, each.verdict) for each in examination.questions if not each.is_fine]
    assert wrong == [("/groups", verdict)]
    assert [call.path for call in sandbox.calls].count("/groups") == 1


async def test_a_fault_of_all_paths_is_told_of_each(sandbox: Sandbox) -> None:
    """The breaker does not hold back the later questions, so none is told by the faults of the others."""
    sandbox.faults.add(kind="status", status=500)

    examination = await examined(sandbox, caller(sandbox), upstream_concurrency=1)

    assert verdicts(examination) == {Verdict.FAILED}


NOT_ROUTED = "No suitable module found for path {} for tenant diku"


@pytest.mark.parametrize(("path", "is_fine"), [("/tags", True), ("/users", False)])
async def test_an_interface_that_the_tenant_lacks(sandbox: Sandbox, path: str, is_fine: bool) -> None:
    """What is not routed is absent: well for an optional interface, wrong for a required one."""
    sandbox.faults.add(kind="status", status=404, path=path, body=NOT_ROUTED.format(path))

    examination = await examined(sandbox, caller(sandbox))

    assert findings(examination)[path].verdict is Verdict.ABSENT
    assert findings(examination)[path].is_fine is is_fine
    assert examination.is_fine is is_fine


async def test_without_a_polaris_identity_the_locks_are_not_asked(sandbox: Sandbox) -> None:
    """Nobody's locks cannot be asked for, which is no fault."""
    examination = await examined(sandbox, replace(caller(sandbox), polaris=None))

    assert findings(examination)["/objectlocks"].verdict is Verdict.NOT_TRIED
    assert examination.is_fine
    assert [call for call in sandbox.calls if "objectlocks" in call.path] == []


async def test_what_has_no_address_is_not_configured() -> None:
    """Without OKAPI_URL only the BFF is asked, and the rest is told as not configured."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith("/circulation-bff/")
        return httpx.Response(403, text="Access for user 'x' (y) requires permission: z")

    services = services_to_examine(Settings(bff_url="http://bff"), lambda limits: httpx.MockTransport(answer))

    examination = await examine(services, Caller(tenant="diku", request_id="1/doctor"))

    assert {each.verdict for each in examination.questions if each.service == "bff"} == {Verdict.FORBIDDEN}
    others = [each for each in examination.questions if each.service != "bff"]
    assert {each.verdict for each in others} == {Verdict.NOT_CONFIGURED}


async def test_eureka_tells_permissions_as_text() -> None:
    """Where mod-users-bl is absent mod-users-keycloak is asked, and it lists names."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/users-keycloak/_self":
            assert dict(request.url.params) == {"expandPermissions": "true"}
            names = ["circulation.renew-by-id.post", "users.collection.get"]
            return httpx.Response(200, json={"user": {}, "permissions": {"permissions": names}})
        return httpx.Response(404, json={"errors": [{"code": "route_not_found_error"}], "total_records": 1})

    services = services_to_examine(
        Settings(okapi_url="http://sidecar"), lambda limits: httpx.MockTransport(answer)
    )

    examination = await examine(services, Caller(tenant="diku", request_id="1/doctor"))

    assert examination.permissions_are_known
    assert {each.act for each in examination.acts if each.verdict == "may"} == {"renew, by ids"}
    of_folio = [each for each in examination.questions if each.service != "polaris"]
    assert {each.verdict for each in of_folio} == {Verdict.ABSENT}


async def test_no_more_at_once_than_the_setting_says(sandbox: Sandbox) -> None:
    """UPSTREAM_CONCURRENCY bounds the questions in flight, and none is turned away for it."""
    at_once = most = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return httpx.Response(403, text="Access for user 'x' (y) requires permission: z")

    services = services_to_examine(
        Settings(okapi_url="http://okapi", upstream_concurrency=4, queue_timeout=0.05),
        lambda limits: httpx.MockTransport(answer),
    )

    examination = await examine(services, caller(sandbox))

    assert most <= 5  # the permissions have a turn of their own
    assert {each.verdict for each in examination.questions if each.service == "folio"} == {Verdict.FORBIDDEN}


@pytest.mark.parametrize("held", [None, {"permissions": "all"}, ["users.collection.get"]])
async def test_permissions_that_cannot_be_read(sandbox: Sandbox, held: object) -> None:
    """An answer of another shape says nothing of the acts, and is no fault of the paths."""
    sandbox.faults.add(kind="wrong_shape", path="/bl-users/_self", shape={"permissions": held})

    examination = await examined(sandbox, caller(sandbox))

    assert examination.is_fine
    assert not examination.permissions_are_known
    assert {each.verdict for each in examination.acts} == {"not tried"}
