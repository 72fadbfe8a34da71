"""The yardstick: an endpoint for each workload, written by hand with Starlette, aiohttp and orjson.

It asks upstream the same questions as the gateway, in the caller's name and in calls of 50 ids, and gives the
same bytes. What it does not have is everything that makes the gateway one: no GraphQL, no limits, no
deadlines, no translation of failures, no request ids. It is good code of the usual kind, not the fastest
there can be: it decodes whole answers, as anybody would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from tests.benchmarks.records import Record
from tests.benchmarks.serving import serve, upstream_url

IDS_IN_CALL = 50
CONNECTIONS = 64  # as the gateway's UPSTREAM_CONCURRENCY

_BY_LOAN_DATE = quote("cql.allRecords=1 sortby loanDate/sort.descending id", safe="")
_BY_REQUEST_DATE = quote("cql.allRecords=1 sortby requestDate id", safe="")
_REQUEST_TYPES = {"Hold": "HOLD", "Recall": "RECALL", "Page": "PAGE"}


def date(text: str | None) -> str | None:
    """A moment in the one form of the API."""
    return None if text is None else f"{text[:23]}Z"


def enum(text: str) -> str:
    """A text of a closed value set as its enum value: `Open - Not yet filled` is OPEN_NOT_YET_FILLED."""
    return text.upper().replace(" - ", "_").replace(" ", "_")


class Endpoints:
    """The answers; one connection pool for the life of the process."""

    session: aiohttp.ClientSession

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        pool = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar()) as self.session:
            yield

    async def get(self, target: str, request: Request) -> Any:  # Any: JSON
        url = URL(self.upstream + target, encoded=True)
        async with self.session.get(url, headers=_forwarded(request)) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    async def by_id(
        self, path: str, key: str, ids: Iterable[str], request: Request, extra: str = ""
    ) -> dict[str, Record]:
        """The records with these ids, by id."""
        distinct = list(dict.fromkeys(ids))
        chunks = [distinct[start : start + IDS_IN_CALL] for start in range(0, len(distinct), IDS_IN_CALL)]
        targets = []
        for chunk in chunks:
            either = " or ".join(f'"{each}"' for each in chunk)
            query = quote(f"id==({either})" if len(chunk) > 1 else f"id=={either}", safe="")
            targets.append(f"{path}?query={query}&limit={len(chunk)}&totalRecords=none{extra}")
        pages = await asyncio.gather(*(self.get(target, request) for target in targets))
        return {record["id"]: record for page in pages for record in page[key]}

    async def users(self, ids: Iterable[str], request: Request) -> dict[str, Record]:
        found = await self.by_id("/users", "users", ids, request)
        return {
            key: {
                "id": key,
                "username": user.get("username"),
                "barcode": user.get("barcode"),
                "expirationDate": date(user.get("expirationDate")),
                "personal": {
                    "lastName": (personal := user["personal"]).get("lastName"),
                    "firstName": personal.get("firstName"),
                    "email": personal.get("email"),
                },
            }
            for key, user in found.items()
        }

    async def desks(self, ids: Iterable[str], request: Request) -> dict[str, Record]:
        extra = "&includeRoutingServicePoints=true"
        found = await self.by_id("/service-points", "servicepoints", ids, request, extra)
        return {
            key: {
                "id": key,
                "name": desk.get("name"),
                "code": desk.get("code"),
                "holdShelfExpiryPeriod": {
                    "duration": (period := desk["holdShelfExpiryPeriod"]).get("duration"),
                    "intervalId": enum(period["intervalId"]),
                },
            }
            for key, desk in found.items()
        }

    async def titles(self, ids: Iterable[str], request: Request) -> dict[str, Record]:
        found = await self.by_id("/inventory/instances", "instances", ids, request)
        return {
            key: {
                "id": key,
                "title": title.get("title"),
                "hrid": title.get("hrid"),
                "source": title.get("source"),
            }
            for key, title in found.items()
        }

    async def items(self, ids: Iterable[str], request: Request) -> dict[str, Record]:
        found = await self.by_id("/inventory/items", "items", ids, request)
        return {
            key: {
                "id": key,
                "hrid": item.get("hrid"),
                "barcode": item.get("barcode"),
                "copyNumber": item.get("copyNumber"),
                "status": {"name": enum(item["status"]["name"]), "date": date(item["status"].get("date"))},
                "materialType": {"name": item["materialType"]["name"]},
            }
            for key, item in found.items()
        }

    async def all_loans(self, request: Request) -> list[Record]:
        page = await self.get(
            f"/circulation-bff/loans?query={_BY_LOAN_DATE}&limit=100&totalRecords=none", request
        )
        loans: list[Record] = page["loans"]
        return loans

    async def loan(self, request: Request) -> Response:
        """W1."""
        key = request.path_params["id"]
        query = quote(f'id=="{key}"', safe="")
        target = f"/circulation-bff/loans?query={query}&limit=1&totalRecords=none"
        (loan,) = (await self.get(target, request))["loans"]
        return _answer(
            {
                "loan": {
                    "id": loan["id"],
                    "loanDate": date(loan.get("loanDate")),
                    "dueDate": date(loan.get("dueDate")),
                    "action": loan.get("action"),
                    "renewalCount": loan.get("renewalCount"),
                    "dueDateChangedByRecall": loan.get("dueDateChangedByRecall"),
                    "dueDateChangedByHold": loan.get("dueDateChangedByHold"),
                    "isDcb": loan.get("isDcb"),
                }
            }
        )

    async def loans(self, request: Request) -> Response:
        """W2."""
        nodes = [
            {
                "id": loan["id"],
                "loanDate": date(loan.get("loanDate")),
                "dueDate": date(loan.get("dueDate")),
                "action": loan.get("action"),
                "actionComment": loan.get("actionComment"),
                "renewalCount": loan.get("renewalCount"),
                "dueDateChangedByRecall": loan.get("dueDateChangedByRecall"),
                "dueDateChangedByHold": loan.get("dueDateChangedByHold"),
                "dueDateChangedByNearExpireUser": loan.get("dueDateChangedByNearExpireUser"),
                "isDcb": loan.get("isDcb"),
                "status": {"name": enum(loan["status"]["name"])},
                "feesAndFines": {"amountRemainingToPay": loan["feesAndFines"]["amountRemainingToPay"]},
                "metadata": {
                    "createdDate": date((metadata := loan["metadata"]).get("createdDate")),
                    "updatedDate": date(metadata.get("updatedDate")),
                },
                "loanItem": {
                    "id": (item := loan["item"]).get("id"),
                    "title": item.get("title"),
                    "barcode": item.get("barcode"),
                    "callNumber": item.get("callNumber"),
                    "copyNumber": item.get("copyNumber"),
                    "instanceHrid": item.get("instanceHrid"),
                    "primaryContributor": item.get("primaryContributor"),
                    "volume": item.get("volume"),
                    "materialType": {"name": item["materialType"].get("name")},
                    "location": {"name": item["location"].get("name")},
                    "status": {"name": enum(item["status"]["name"])},
                },
            }
            for loan in await self.all_loans(request)
        ]
        return _answer({"loans": {"nodes": nodes}})

    async def loans_with_links(self, request: Request) -> Response:
        """W3."""
        loans = await self.all_loans(request)
        users, desks, titles = await asyncio.gather(
            self.users((loan["userId"] for loan in loans), request),
            self.desks((loan["checkoutServicePointId"] for loan in loans), request),
            self.titles((loan["item"]["instanceId"] for loan in loans), request),
        )
        nodes = [
            {
                "id": loan["id"],
                "dueDate": date(loan.get("dueDate")),
                "loanDate": date(loan.get("loanDate")),
                "renewalCount": loan.get("renewalCount"),
                "status": {"name": enum(loan["status"]["name"])},
                "borrower": users.get(loan["userId"]),
                "checkoutServicePoint": desks.get(loan["checkoutServicePointId"]),
                "instance": titles.get(loan["item"]["instanceId"]),
            }
            for loan in loans
        ]
        return _answer({"loans": {"nodes": nodes}})

    async def requests_with_links(self, request: Request) -> Response:
        """W4."""
        target = f"/circulation-bff/requests?query={_BY_REQUEST_DATE}&limit=100&totalRecords=none"
        requests: list[Record] = (await self.get(target, request))["requests"]
        people = [each[role] for each in requests for role in ("requesterId", "proxyUserId") if role in each]
        users, desks, titles, items = await asyncio.gather(
            self.users(people, request),
            self.desks((each["pickupServicePointId"] for each in requests), request),
            self.titles((each["instanceId"] for each in requests), request),
            self.items((each["itemId"] for each in requests), request),
        )
        nodes = [
            {
                "id": each["id"],
                "requestDate": date(each.get("requestDate")),
                "requestType": _REQUEST_TYPES[each["requestType"]],
                "status": enum(each["status"]),
                "position": each.get("position"),
                "requester": users.get(each["requesterId"]),
                "proxy": users.get(each["proxyUserId"]),
                "pickupServicePoint": desks.get(each["pickupServicePointId"]),
                "instance": titles.get(each["instanceId"]),
                "item": items.get(each["itemId"]),
            }
            for each in requests
        ]
        return _answer({"requests": {"nodes": nodes}})

    async def check_out(self, request: Request) -> Response:
        """W5."""
        body = orjson.dumps(orjson.loads(await request.body()))
        url = f"{self.upstream}/circulation-bff/loans/check-out-by-barcode"
        headers = {**_forwarded(request), "Content-Type": "application/json"}
        async with self.session.post(url, data=body, headers=headers) as response:
            response.raise_for_status()
            loan = orjson.loads(await response.read())
        return _answer(
            {
                "checkOut": {
                    "__typename": "CheckedOut",
                    "loan": {
                        "id": loan["id"],
                        "loanDate": date(loan.get("loanDate")),
                        "dueDate": date(loan.get("dueDate")),
                        "status": {"name": enum(loan["status"]["name"])},
                        "loanItem": {
                            "title": loan["item"].get("title"),
                            "barcode": loan["item"].get("barcode"),
                        },
                    },
                }
            }
        )

    async def loans_as_they_are(self, request: Request) -> Response:
        """W6."""
        nodes = [
            {
                "id": loan["id"],
                "dueDate": date(loan.get("dueDate")),
                "borrower": {
                    "id": loan["userId"],
                    "barcode": (borrower := loan["borrower"]).get("barcode"),
                    "personal": {
                        "lastName": borrower.get("lastName"),
                        "firstName": borrower.get("firstName"),
                    },
                },
                "item": {
                    "id": loan["itemId"],
                    "title": (item := loan["item"]).get("title"),
                    "barcode": item.get("barcode"),
                    "status": {"name": enum(item["status"]["name"])},
                },
                "checkoutServicePoint": {
                    "id": loan["checkoutServicePointId"],
                    "name": loan["checkoutServicePoint"].get("name"),
                },
            }
            for loan in await self.all_loans(request)
        ]
        return _answer({"loans": {"nodes": nodes}})


def _forwarded(request: Request) -> dict[str, str]:
    headers = request.headers
    return {
        "Accept": "application/json, text/plain",
        "X-Okapi-Tenant": headers["x-okapi-tenant"],
        "X-Okapi-Token": headers["x-okapi-token"],
    }


def _answer(data: Record) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")


def create_app(upstream: str) -> Starlette:
    endpoints = Endpoints(upstream)
    return Starlette(
        routes=[
            Route("/loans/{id}", endpoints.loan),
            Route("/loans", endpoints.loans),
            Route("/loans-with-links", endpoints.loans_with_links),
            Route("/loans-as-they-are", endpoints.loans_as_they_are),
            Route("/requests-with-links", endpoints.requests_with_links),
            Route("/check-out", endpoints.check_out, methods=["POST"]),
        ],
        lifespan=endpoints.lifespan,
    )


if __name__ == "__main__":
    serve(create_app(upstream_url()))
