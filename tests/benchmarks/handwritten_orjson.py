"""The first baseline: orjson, in the usual way: complete responses are decoded into dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

import orjson

from tests.benchmarks.handwritten import (
    REQUEST_TYPES,
    AiohttpCalls,
    Endpoints,
    Incoming,
    create_app,
    date,
    enum,
)
from tests.benchmarks.records import Record
from tests.benchmarks.serving import serve, upstream_url


class OrjsonEndpoints(Endpoints):
    """Dictionaries in, dictionaries out."""

    async def users(self, ids: Iterable[str], request: Incoming) -> dict[str, Record]:
        result = await _by_id(self.calls.users(ids, request), "users")
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
            for key, user in result.items()
        }

    async def desks(self, ids: Iterable[str], request: Incoming) -> dict[str, Record]:
        result = await _by_id(self.calls.desks(ids, request), "servicepoints")
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
            for key, desk in result.items()
        }

    async def titles(self, ids: Iterable[str], request: Incoming) -> dict[str, Record]:
        result = await _by_id(self.calls.titles(ids, request), "instances")
        return {
            key: {
                "id": key,
                "title": title.get("title"),
                "hrid": title.get("hrid"),
                "source": title.get("source"),
            }
            for key, title in result.items()
        }

    async def items(self, ids: Iterable[str], request: Incoming) -> dict[str, Record]:
        result = await _by_id(self.calls.items(ids, request), "items")
        return {
            key: {
                "id": key,
                "hrid": item.get("hrid"),
                "barcode": item.get("barcode"),
                "copyNumber": item.get("copyNumber"),
                "status": {"name": enum(item["status"]["name"]), "date": date(item["status"].get("date"))},
                "materialType": {"name": item["materialType"]["name"]},
            }
            for key, item in result.items()
        }

    async def loan(self, request: Incoming) -> bytes:
        (loan,) = orjson.loads(await self.calls.loan(request))["loans"]
        return _respond(
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

    def listed(self, page: bytes) -> bytes:
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
            for loan in orjson.loads(page)["loans"]
        ]
        return _respond({"loans": {"nodes": nodes}})

    async def loans_with_links(self, request: Incoming) -> bytes:
        loans = orjson.loads(await self.calls.loans(request))["loans"]
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
        return _respond({"loans": {"nodes": nodes}})

    async def requests_with_links(self, request: Incoming) -> bytes:
        requests = orjson.loads(await self.calls.requests(request))["requests"]
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
                "requestType": REQUEST_TYPES[each["requestType"]],
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
        return _respond({"requests": {"nodes": nodes}})

    async def check_out(self, request: Incoming) -> bytes:
        body = orjson.dumps(orjson.loads(await request.body()))
        loan = orjson.loads(await self.calls.check_out(body, request))
        return _respond(
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

    async def loans_as_they_are(self, request: Incoming) -> bytes:
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
            for loan in orjson.loads(await self.calls.loans(request))["loans"]
        ]
        return _respond({"loans": {"nodes": nodes}})

    async def loans_with_keys(self, request: Incoming) -> bytes:
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
                    "title": (item := loan["item"]).get("title"),
                    "barcode": item.get("barcode"),
                    "callNumber": item.get("callNumber"),
                },
                "borrower": {"id": loan["userId"]},
                "item": {"id": loan["itemId"]},
                "instance": {"id": item["instanceId"]},
                "loanPolicy": {"id": loan["loanPolicyId"]},
                "overdueFinePolicy": {"id": loan["overdueFinePolicyId"]},
                "lostItemPolicy": {"id": loan["lostItemPolicyId"]},
                "itemEffectiveLocationAtCheckOut": {"id": loan["itemEffectiveLocationIdAtCheckOut"]},
                "checkoutServicePoint": {"id": loan["checkoutServicePointId"]},
            }
            for loan in orjson.loads(await self.calls.loans(request))["loans"]
        ]
        return _respond({"loans": {"nodes": nodes}})


async def _by_id(pages: Awaitable[list[bytes]], key: str) -> dict[str, Record]:
    return {record["id"]: record for page in await pages for record in orjson.loads(page)[key]}


def _respond(data: Record) -> bytes:
    return orjson.dumps({"data": data})


if __name__ == "__main__":
    calls = AiohttpCalls(upstream_url())
    serve(create_app(calls, OrjsonEndpoints(calls)))
