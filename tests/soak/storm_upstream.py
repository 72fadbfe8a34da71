"""`python -m tests.soak.storm_upstream` serves the sandbox with one dead module and one slow one.

The lists of the hostile tenant are large and written beforehand, so that upstream itself stays fast. Each
write is counted by the id of its request, and the response to each seventh is lost after it was processed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from gateway.sandbox import Sandbox, create_sandbox
from gateway.sandbox.http.faults import Fault
from tests.gateway_over import key
from tests.soak.random_faults import FaultyUpstream, RandomFaults
from tests.soak.upstream_process import send_json, serve

NEIGHBOUR, HOSTILE = "diku", "college"
DEAD = "/accounts"
SLOW = "/automated-patron-blocks"
SLOW_SECONDS = 1.5
LOST_WRITES = 7
COUNTS = "/storm-counts"

LONG, SHORT = "x" * 60, "x" * 30
PATRON = key(2)
FAT_PAGE = 999  # records of a page whose records have long texts
_FAT = {
    "userId": PATRON,
    "itemId": key(3),
    "status": {"name": "Open"},
    "action": "checkedout",
    "actionComment": LONG * 30,
    "item": {"id": key(3), "title": LONG * 20, "callNumber": LONG, "contributors": [{"name": LONG}] * 10},
    "borrower": {"firstName": LONG, "lastName": LONG, "barcode": LONG},
}
_WIDE = {
    "userId": PATRON,
    "itemId": key(3),
    "status": {"name": "Open"},
    "action": "checkedout",
    "actionComment": SHORT,
    "loanDate": "2026-01-01T00:00:00.000+00:00",
    "dueDate": "2026-01-01T00:00:00.000+00:00",
    "borrower": {"firstName": SHORT, "lastName": SHORT, "middleName": SHORT, "barcode": SHORT},
    "item": {
        "id": key(3),
        "title": SHORT,
        "callNumber": SHORT,
        "barcode": SHORT,
        "contributors": [{"name": SHORT}] * 4,
        "location": {"name": SHORT},
        "status": {"name": "Checked out"},
        "materialType": {"name": "book"},
    },
    "checkoutServicePointId": key(6),
    "checkoutServicePoint": {"name": SHORT, "code": SHORT},
    "metadata": {"createdDate": "2026-01-01T00:00:00.000+00:00"},
}


def _page(record: Mapping[str, object], number: int) -> bytes:
    records = [{**record, "id": key(each)} for each in range(number)]
    return json.dumps({"loans": records, "totalRecords": number}).encode()


class StormFaults(RandomFaults):
    """A dead module, a slow one, and writes whose response is lost."""

    def __init__(self) -> None:
        super().__init__(early=0, late=0)
        self.writes = 0

    def take(self, method: str, path: str) -> Fault | None:
        if path.startswith(DEAD):
            return Fault(kind="reset")
        if path.startswith(SLOW):
            return Fault(kind="slow", delay=SLOW_SECONDS)
        return None

    def take_late(self, method: str) -> Fault | None:
        if method == "GET":
            return None
        self.writes += 1
        return Fault(kind="reset") if self.writes % LOST_WRITES == 0 else None


class StormUpstream(FaultyUpstream):
    """Serves the large lists, and counts writes."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, StormFaults())
        self.writes: Counter[str] = Counter()
        self.large = {number: _page(_WIDE, number) for number in (90, 1000)}
        self.large[FAT_PAGE] = _page(_FAT, FAT_PAGE)
        users = [{"id": key(each), "username": f"u{each}"} for each in range(90)]
        self.users = json.dumps({"users": users, "totalRecords": 90}).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == COUNTS:
                await send_json(send, json.dumps({"writes": self.writes, "lent": self.lent()}).encode())
                return
            if scope["method"] == "GET" and (b"x-okapi-tenant", HOSTILE.encode()) in scope["headers"]:
                body = self.large_list(scope["path"], scope["query_string"].decode())
                if body is not None:
                    await send_json(send, body)
                    return
            await super().__call__(scope, receive, send)
            return
        await self.sandbox(scope, receive, send)

    def large_list(self, path: str, query: str) -> bytes | None:
        """Return a large list of the hostile tenant, None for what the sandbox serves."""
        if path == "/users":
            return self.users
        if path == "/circulation-bff/loans":
            return self.large.get(int(parse_qs(query).get("limit", ["0"])[0]))
        return None

    def lent(self) -> list[str]:
        """Return the barcodes of the neighbour's items that are lent."""
        library = self.sandbox.library(NEIGHBOUR)
        loans = [each for each in library.loans.values() if each["status"]["name"] == "Open"]
        items = [library.items[each["itemId"]] for each in loans]
        return [each["barcode"] for each in items if "barcode" in each]

    def on_call(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        if scope["method"] != "GET":
            self.writes[headers["x-okapi-request-id"].split(";")[0]] += 1


if __name__ == "__main__":
    serve(StormUpstream(create_sandbox()))
