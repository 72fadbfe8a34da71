"""`python -m tests.soak.large_upstream` serves the largest responses that the gateway accepts.

Lists have as many records as requested, and by ids each record that is requested. All texts are long.
"""

from __future__ import annotations

import json
import re
from functools import cache
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from tests.gateway_over import Json, key
from tests.soak.upstream_process import send_json, serve

TEXT = "x" * 30
PATRON_LOANS = 99  # loans of one patron; the first page of a thousand loans is of this patron
WHOLE_LIST = 60_000  # records of lists that upstream never pages
NESTED_LIST = 60_000  # identifiers of one title
SHORT_LISTS = 55  # loans of a page whose titles have as many identifiers each
FIRST_WITH_LISTS = 5_000  # the number of the first of these loans
BAD = 500  # the place of the record with an invalid date in lists of 997
_ID = re.compile(r'"([0-9a-f-]{36})"')


def loan(number: int, user: int) -> Json:
    return {
        "id": key(number),
        "userId": key(user),
        "itemId": key(10_000 + number),
        "status": {"name": "Open"},
        "action": "checkedout",
        "actionComment": TEXT,
        "loanDate": "2026-01-01T00:00:00.000+00:00",
        "dueDate": "2026-01-01T00:00:00.000+00:00",
        "borrower": {"firstName": TEXT, "lastName": TEXT, "middleName": TEXT, "barcode": TEXT},
        "item": {
            "id": key(10_000 + number),
            "instanceId": key(20_000 + number),
            "holdingsRecordId": key(30_000 + number),
            "title": TEXT,
            "callNumber": TEXT,
            "barcode": TEXT,
            "contributors": [{"name": TEXT}] * 4,
            "location": {"name": TEXT},
            "status": {"name": "Checked out"},
            "materialType": {"name": "book"},
        },
        "checkoutServicePointId": key(40_000 + number % 50),
        "checkoutServicePoint": {"name": TEXT, "code": TEXT},
        "metadata": {"createdDate": "2026-01-01T00:00:00.000+00:00"},
    }


def user(identifier: str) -> Json:
    address = {"countryId": "DE", "addressLine1": TEXT, "city": TEXT, "postalCode": TEXT}
    personal = {"lastName": TEXT, "firstName": TEXT, "email": TEXT, "addresses": [address] * 3}
    return {"id": identifier, "username": TEXT, "barcode": TEXT, "active": True, "personal": personal}


def item(identifier: str) -> Json:
    names = [{"name": TEXT}] * 4
    return {"id": identifier, "barcode": TEXT, "title": TEXT, "contributorNames": names, "callNumber": TEXT}


def instance(identifier: str) -> Json:
    number = int(identifier[-12:])
    length = NESTED_LIST if number == 1 else SHORT_LISTS if number >= 20_000 + FIRST_WITH_LISTS else 5
    identifiers = [{"value": f"{each}", "identifierTypeId": key(5)} for each in range(length)]
    return {
        "id": identifier,
        "title": TEXT,
        "hrid": TEXT,
        "source": "FOLIO",
        "identifiers": identifiers,
        "contributors": [{"name": TEXT}] * 5,
    }


def service_point(identifier: str) -> Json:
    return {"id": identifier, "name": TEXT, "code": TEXT, "discoveryDisplayName": TEXT}


BY_ID = {
    "/users": ("users", user),
    "/inventory/items": ("items", item),
    "/inventory/instances": ("instances", instance),
    "/service-points": ("servicepoints", service_point),
}


@cache
def loans(limit: int) -> bytes:
    """Loans of distinct patrons, of a page of 1000 of one. One of 997 has no date, of 995 none has."""
    first = FIRST_WITH_LISTS if limit == SHORT_LISTS else 0
    numbers = range(first, first + limit)
    records = [loan(each, 1 if limit in (1000, PATRON_LOANS) else 50_000 + each) for each in numbers]
    if limit == 998:  # nine megabytes
        records = [each | {"actionComment": TEXT * 280} for each in records]
    for each in {997: records[BAD : BAD + 1], 995: records}.get(limit, []):
        each["dueDate"] = "no date"
    return json.dumps({"loans": records, "totalRecords": limit}).encode()


@cache
def queue(date: str) -> bytes:
    requests = [
        {
            "id": key(each),
            "requestType": "Hold",
            "requestDate": date,
            "status": "Open - Not yet filled",
        }
        for each in range(WHOLE_LIST)
    ]
    page = {"requests": requests, "totalRecords": WHOLE_LIST}
    return json.dumps(page, separators=(",", ":")).encode()  # less than ten megabytes


def response(path: str, parameters: dict[str, list[str]]) -> bytes:
    if path in BY_ID:
        name, create = BY_ID[path]
        records = [create(each) for each in _ID.findall(parameters["query"][0])]
        return json.dumps({name: records, "totalRecords": len(records)}).encode()
    if "/queue/" in path:
        return queue("2026-01-01T00:00:00.000+00:00" if "/queue/item/" in path else "no date")
    if path == "/circulation-bff/loans":
        return loans(int(parameters["limit"][0]))
    return b'{"totalRecords": 0}'


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = response(scope["path"], parse_qs(scope["query_string"].decode()))
    await send_json(send, body)


if __name__ == "__main__":
    serve(app)
