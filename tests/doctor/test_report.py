"""An examination in words."""

from __future__ import annotations

import json

from gateway.doctor.examination import ActFinding, Examination, Finding
from gateway.doctor.report import as_json, as_text
from gateway.doctor.verdict import Verdict


def finding(path: str, verdict: Verdict, **other: object) -> Finding:
    told = {"service": "folio", "is_fine": verdict is Verdict.REACHABLE, "milliseconds": 7, **other}
    return Finding(path=path, verdict=verdict, **told)  # type: ignore[arg-type]  # what a test says of it


EXAMINATION = Examination(
    tenant="diku",
    is_fine=False,
    permissions_are_known=True,
    questions=(
        finding("/users", Verdict.REACHABLE),
        finding("/groups", Verdict.FORBIDDEN, permission="usergroups.collection.get", message="No."),
        finding("/tags", Verdict.ABSENT, is_fine=True, message="folio does not serve this question here."),
        finding("/locations", Verdict.ABSENT),
        finding("/accounts", Verdict.TIMEOUT, milliseconds=8001, message="It did not answer within 8 s."),
        finding("/objectlocks", Verdict.NOT_TRIED, service="polaris", is_fine=True, milliseconds=0),
    ),
    acts=(
        ActFinding(act="checkOut", verdict="may"),
        ActFinding(act="cancelRequest", verdict="may not", lacks=("one.get", "one.put")),
        ActFinding(act="lockObject", verdict="not tried"),
    ),
)


def test_as_text() -> None:
    """A line for each question and act, in columns, with what an operator needs to mend it."""
    assert as_text(EXAMINATION).splitlines() == [
        "Tenant diku",
        "",
        "  folio    /users        reachable, 7 ms",
        "  folio    /groups       forbidden, 7 ms   needs usergroups.collection.get",
        "  folio    /tags         absent, 7 ms      optional",
        "  folio    /locations    absent, 7 ms      required",
        "  folio    /accounts     timeout, 8001 ms  It did not answer within 8 s.",
        "  polaris  /objectlocks  not tried         needs a Polaris identity and a workstation",
        "",
        "MutationState: what the user's permissions say",
        "",
        "  checkOut       may",
        "  cancelRequest  may not: lacks one.get, one.put",
        "  lockObject     not tried",
        "",
        "2 absent, 1 reachable, 1 forbidden, 1 timeout, 1 not tried.",
        "Wrong: 3.",
    ]


def test_as_json() -> None:
    """The same for machines, verdicts as words."""
    told = json.loads(as_json(EXAMINATION))

    assert {name: told[name] for name in ("tenant", "is_fine", "permissions_are_known")} == {
        "tenant": "diku",
        "is_fine": False,
        "permissions_are_known": True,
    }
    assert told["questions"][1] == {
        "service": "folio",
        "path": "/groups",
        "verdict": "forbidden",
        "is_fine": False,
        "milliseconds": 7,
        "message": "No.",
        "permission": "usergroups.collection.get",
    }
    assert told["acts"][1] == {"act": "cancelRequest", "verdict": "may not", "lacks": ["one.get", "one.put"]}
