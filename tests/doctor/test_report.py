"""A diagnosis as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from gateway.doctor.diagnosis import Diagnosis, MutationResult, ReadResult, Status
from gateway.doctor.kafka import KafkaCheck
from gateway.doctor.report import as_json, as_text
from gateway.doctor.store import StoreCheck

REACHABLE = ReadResult(
    service="folio", path="/users", status=Status.REACHABLE, is_healthy=True, milliseconds=7
)
FORBIDDEN = replace(
    REACHABLE,
    path="/groups",
    status=Status.FORBIDDEN,
    is_healthy=False,
    permission="usergroups.collection.get",
    message="No.",
)
ABSENT = replace(REACHABLE, path="/locations", status=Status.ABSENT, is_healthy=False)

DIAGNOSIS = Diagnosis(
    tenant="diku",
    is_healthy=False,
    has_permissions=True,
    reads=(
        REACHABLE,
        FORBIDDEN,
        replace(ABSENT, path="/loans", is_healthy=True, cure="it is read from circulation"),
        replace(ABSENT, path="/tags", is_healthy=True, message="folio does not serve this request here."),
        ABSENT,
        replace(
            FORBIDDEN,
            path="/accounts",
            status=Status.TIMEOUT,
            milliseconds=8001,
            message="It did not respond within 8 s.",
        ),
        replace(REACHABLE, service="polaris", path="/objectlocks", status=Status.NOT_CHECKED, milliseconds=0),
    ),
    mutations=(
        MutationResult(mutation="checkOut", status="permitted"),
        MutationResult(
            mutation="cancelRequest", status="not permitted", missing_permissions=("one.get", "one.put")
        ),
        MutationResult(mutation="lockObject", status="not checked"),
    ),
)


def test_as_text() -> None:
    """A line for each read and mutation, in columns, with the information an operator needs to fix it."""
    assert as_text(DIAGNOSIS).splitlines() == [
        "Tenant diku",
        "",
        "Reads:",
        "",
        "  folio    /users        reachable, 7 ms",
        "  folio    /groups       forbidden, 7 ms   needs usergroups.collection.get",
        "  folio    /loans        absent, 7 ms      it is read from circulation",
        "  folio    /tags         absent, 7 ms      optional",
        "  folio    /locations    absent, 7 ms      required",
        "  folio    /accounts     timeout, 8001 ms  It did not respond within 8 s.",
        "  polaris  /objectlocks  not checked       needs a Polaris identity and a workstation",
        "",
        "Mutations: by the user's permissions",
        "",
        "  checkOut       permitted",
        "  cancelRequest  not permitted: lacks one.get, one.put",
        "  lockObject     not checked",
        "",
        "3 absent, 1 reachable, 1 forbidden, 1 timeout, 1 not checked.",
        "Failed checks: 3.",
    ]


def test_the_store_is_a_part_of_the_text() -> None:
    """With REDIS_URL there is a line for each property of the store, before the conclusion."""
    store = (
        StoreCheck(name="connection", value="reachable, 2 ms"),
        StoreCheck(
            name="maxmemory-policy", value="allkeys-lru", is_healthy=False, message="must be noeviction"
        ),
    )

    lines = as_text(replace(DIAGNOSIS, store=store)).splitlines()

    assert lines[lines.index("Store:") :] == [
        "Store:",
        "",
        "  connection        reachable, 2 ms",
        "  maxmemory-policy  allkeys-lru      must be noeviction",
        "",
        "3 absent, 1 reachable, 1 forbidden, 1 timeout, 1 not checked.",
        "Failed checks: 4.",
    ]


def test_kafka_is_a_part_of_the_text() -> None:
    """With KAFKA_URL there is a line for each property of Kafka, and a failed one counts."""
    kafka = (KafkaCheck(name="connection", value="unavailable", is_healthy=False, message="refused"),)

    lines = as_text(replace(DIAGNOSIS, kafka=kafka)).splitlines()

    assert lines[lines.index("Kafka:") :] == [
        "Kafka:",
        "",
        "  connection  unavailable  refused",
        "",
        "3 absent, 1 reachable, 1 forbidden, 1 timeout, 1 not checked.",
        "Failed checks: 4.",
    ]


def test_as_json() -> None:
    """The JSON has the same content, with statuses as text."""
    report = json.loads(as_json(DIAGNOSIS))

    assert {name: report[name] for name in ("tenant", "is_healthy", "has_permissions")} == {
        "tenant": "diku",
        "is_healthy": False,
        "has_permissions": True,
    }
    assert report["reads"][1] == {
        "service": "folio",
        "path": "/groups",
        "status": "forbidden",
        "is_healthy": False,
        "milliseconds": 7,
        "message": "No.",
        "permission": "usergroups.collection.get",
        "cure": None,
    }
    assert report["mutations"][1] == {
        "mutation": "cancelRequest",
        "status": "not permitted",
        "missing_permissions": ["one.get", "one.put"],
    }
