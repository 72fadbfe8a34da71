"""The services behind every row: prepared responses over HTTP/1.1, from an efficient process.

A response is built at the first request of its target and kept as bytes, so that under load the upstream only
looks targets up. It is strict: an unknown request is a 400 and never another response.
`GET /benchmark/calls` returns the targets requested since its last call.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import deque
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
import uvloop

from tests.benchmarks.records import Record, loan, prepared_lists

CALLS = "/benchmark/calls"
CHECK_OUT = "/circulation-bff/loans/check-out-by-barcode"

_BY_ID = re.compile(r'id==(?:\(("[^"()]+"(?: or "[^"()]+")*)\)|("[^"()]+"))')
_EVERYTHING = re.compile(
    r"cql\.allRecords=1(?: sortby .+)?"
)  # the records are in the requested order already


class Upstream:
    """The requests and responses, without the network."""

    def __init__(self) -> None:
        self.prepared_lists = prepared_lists()
        _, loans = self.prepared_lists["/circulation-bff/loans"]
        self.loans_by_barcode = {each["item"]["barcode"]: each for each in loans}
        self.prepared: dict[str, bytes] = {}
        self.calls: deque[str] = deque(maxlen=1000)

    def response(self, method: str, target: str, body: bytes) -> bytes:
        if target == CALLS:
            targets = list(self.calls)
            self.calls.clear()
            return _http(200, targets)
        self.calls.append(f"{method} {target}")
        if method == "POST":
            return self._check_out(target, body)
        result = self.prepared.get(target)
        if result is None:
            result = self.prepared[target] = self._found(target)
        return result

    def _found(self, target: str) -> bytes:
        url = urlsplit(target)
        shelf = self.prepared_lists.get(url.path)
        parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
        query, limit = parameters.get("query", ""), int(parameters.get("limit", "10"))
        if shelf is None or "offset" in parameters:
            return _http(400, {"errors": [{"message": f"not served here: {target}"}]})
        key, records = shelf
        by_id = _BY_ID.fullmatch(query)
        if by_id is not None:
            ids = set(re.findall(r'"([^"]+)"', query))
            records = [each for each in records if each["id"] in ids]
        elif not _EVERYTHING.fullmatch(query):
            return _http(400, {"errors": [{"message": f"not understood: {query}"}]})
        return _http(200, {key: records[:limit], "totalRecords": len(records)})

    def _check_out(self, target: str, body: bytes) -> bytes:
        result = self.prepared.get(f"{target} {body!r}")
        if result is None:
            result = self.prepared[f"{target} {body!r}"] = self._lent(target, msgspec.json.decode(body))
        return result

    def _lent(self, target: str, check_out: Record) -> bytes:
        prepared_loan = self.loans_by_barcode.get(check_out.get("itemBarcode", ""))
        if (
            target != CHECK_OUT
            or prepared_loan is None
            or (check_out.get("userBarcode"), check_out.get("servicePointId"))
            != (prepared_loan["borrower"]["barcode"], prepared_loan["checkoutServicePointId"])
        ):
            return _http(422, {"errors": [{"message": "no such check-out is prepared"}]})
        return _http(201, prepared_loan)


class Connection(asyncio.Protocol):
    """One kept-alive connection; responses are in the order of the requests."""

    transport: asyncio.Transport

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end]
            length = 0
            if head.startswith(b"POST"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            after = end + 4 + length
            if len(self.received) < after:
                return
            body, self.received = self.received[end + 4 : after], self.received[after:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            self.transport.write(self.upstream.response(method, target, body))


def _http(status: int, content: Any) -> bytes:  # Any: JSON
    body = msgspec.json.encode(content)
    head = (
        f"HTTP/1.1 {status} Prepared\r\ncontent-type: application/json\r\n"
        f"x-okapi-request-id: 000000/prepared\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def check_out_of(number: int) -> Record:
    """Return the body of a check-out that the upstream accepts."""
    results = loan(number)
    return {
        "itemBarcode": results["item"]["barcode"],
        "userBarcode": results["borrower"]["barcode"],
        "servicePointId": results["checkoutServicePointId"],
    }


async def serve() -> None:
    upstream = Upstream()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", 0, backlog=2048)
    host, port = server.sockets[0].getsockname()
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
