"""The circulation log against FOLIO's published schemas: nothing is missing."""

from __future__ import annotations

from enum import Enum
from typing import Any

import httpx
import pytest

from gateway.schema.circulation_log_search import CirculationLogAction, CirculationLogObject
from tests.circulation_log_facts import ACTIONS, OBJECTS, RECORD
from tests.fee_fine_facts import Values
from tests.test_fee_fine_contract import missing, send
from tests.widest import selection

pytestmark = pytest.mark.anyio

Json = Any  # requests and responses are JSON
PATH = "/audit-data/circulation/logs"


class Upstream:
    """Responds to reads of the log with these records."""

    def __init__(self, *records: Json) -> None:
        self.records = records
        self.calls: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        return httpx.Response(200, json={"logRecords": self.records, "totalRecords": len(self.records)})


async def test_every_member_of_a_record_reaches_the_client() -> None:
    """With a unique value in each member that FOLIO's schema has, the widest query returns all of them."""
    record = Values().record(RECORD)
    upstream = Upstream(record)

    response = await send(upstream, f"{{ circulationLog {{ nodes {selection('CirculationLogRecord')} }} }}")

    assert "errors" not in response, response["errors"][:3]
    assert missing(record, response["data"]) == set()
    assert upstream.calls == [f"GET {PATH}"]


@pytest.mark.parametrize(
    ("values", "facts"), [(CirculationLogObject, OBJECTS), (CirculationLogAction, ACTIONS)], ids=str
)
def test_the_enums_have_the_published_values(values: type[Enum], facts: tuple[str, ...]) -> None:
    """Each text of FOLIO is a member with its name in capitals, and there is no other but UNKNOWN."""
    names = {
        "_".join("".join(char if char.isalpha() else " " for char in text).split()).upper(): text
        for text in facts
    }

    members = {each.name: each.value for each in values if each.name != "UNKNOWN"}
    assert members == names | ({"CHECKIN_CHECKOUT": "CheckIn/CheckOut"} if "N_A" in names else {})


async def test_every_object_and_action_is_read() -> None:
    """A record with each of them has its member, and one with a newer text UNKNOWN and the text."""
    texts = [*zip(OBJECTS * 5, ACTIONS, strict=True), ("Shelf", "Dusted")]
    records = [
        {"id": f"00000000-0000-4000-8000-{n:012}", "object": kind, "action": action}
        for n, (kind, action) in enumerate(texts)
    ]

    response = await send(
        Upstream(*records),
        f"{{ circulationLog(first: {len(records)}) {{ nodes {{ object objectText action actionText }} }} }}",
    )

    nodes = response["data"]["circulationLog"]["nodes"]
    assert [(each["objectText"], each["actionText"]) for each in nodes] == texts
    assert (nodes[-1]["object"], nodes[-1]["action"]) == ("UNKNOWN", "UNKNOWN")
    assert "UNKNOWN" not in {name for each in nodes[:-1] for name in (each["object"], each["action"])}
