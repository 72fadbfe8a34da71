"""Reports: the requests to clear from a hold shelf, and the items in transit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from gateway.fields.scalars import from_upstream
from tests.gateway_under_test import Gateway, open_gateway

pytestmark = pytest.mark.anyio

Json = Any  # a response is JSON of the shape that each test expects

CLEARANCE = "/circulation/requests-reports/hold-shelf-clearance"
IN_TRANSIT = "/inventory-reports/items-in-transit"
EMBEDDED = """query($id: ID!) { holdShelfClearance(servicePointId: $id) { totalCount nodes {
    id status awaitingPickupRequestClosedDate holdShelfExpirationDate patronComments loan { dueDate }
    requester { id barcode personal { lastName firstName middleName } }
    requestInstance { title identifiers { value } contributorNames { name } }
    requestItem { barcode callNumber enumeration location { name libraryName code } }
    item { id title barcode status { name } effectiveCallNumberComponents { callNumber } }
    instance { id title } pickupServicePoint { id } tags { tagList }
} } }"""


def requests_on_shelf(gateway: Gateway) -> list[Json]:
    """Return the stored requests of the report, from the latest to the earliest."""
    closed = [each for each in gateway.library.requests.values() if "awaitingPickupRequestClosedDate" in each]
    return sorted(closed, key=lambda each: str(each["awaitingPickupRequestClosedDate"]), reverse=True)


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_the_columns_of_the_clearance_report_cost_one_call(execution: str) -> None:
    """Everything that the report embeds is read of it; `loan`, labels and contributors are null."""
    async with open_gateway(execution=execution) as gateway:
        library, point = gateway.library, gateway.summary.service_point_id
        stored = requests_on_shelf(gateway)
        stored[0]["patronComments"] = "Large print"

        report = (await gateway.data(EMBEDDED, {"id": point}))["holdShelfClearance"]

        assert gateway.paths() == [f"GET {CLEARANCE}/{point}"]
    assert report["totalCount"] == 3
    assert [each["id"] for each in report["nodes"]] == [each["id"] for each in stored]
    for node, request in zip(report["nodes"], stored, strict=True):
        item = library.items[request["itemId"]]
        user = library.users[request["requesterId"]]
        title = library.instances[request["instanceId"]]
        assert node["status"] in ("CLOSED_PICKUP_EXPIRED", "CLOSED_CANCELLED")
        assert node["awaitingPickupRequestClosedDate"] == from_upstream(
            request["awaitingPickupRequestClosedDate"]
        )
        assert node["holdShelfExpirationDate"] == from_upstream(request["holdShelfExpirationDate"])
        assert node["patronComments"] == request.get("patronComments")
        assert node["requester"] == {
            "id": user["id"],
            "barcode": user["barcode"],
            "personal": {
                name: user["personal"].get(name) for name in ("lastName", "firstName", "middleName")
            },
        }
        assert node["requestInstance"] == {
            "title": title["title"],
            "identifiers": [{"value": each["value"]} for each in title["identifiers"]],
            "contributorNames": None,
        }
        assert node["requestItem"]["barcode"] == node["item"]["barcode"] == item["barcode"]
        assert node["requestItem"]["location"]["libraryName"]
        assert node["item"]["status"] == {"name": "AWAITING_PICKUP"}
        assert node["instance"] == {"id": title["id"], "title": title["title"]}
        assert node["pickupServicePoint"] == {"id": point}
        assert node["loan"] is node["tags"] is None


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_what_the_clearance_report_lacks_is_loaded(execution: str) -> None:
    """Patron group, editions, proxy and pickup point of other lists are absent: they are loaded, not null."""
    async with open_gateway(execution=execution) as gateway:
        library, point = gateway.library, gateway.summary.service_point_id
        stored = requests_on_shelf(gateway)
        proxy = library.user_by_barcode("1000000010")
        assert proxy is not None
        stored[0]["proxyUserId"] = proxy["id"]
        for each in stored:
            library.instances[each["instanceId"]]["editions"] = ["3. edition"]

        report = await gateway.data(
            """query($id: ID!) { holdShelfClearance(servicePointId: $id) { nodes {
                requester { patronGroup { id } } instance { editions } proxy { personal { lastName } }
                pickupServicePoint { name } batchRequestInfo { batchRequest { id } }
            } } }""",
            {"id": point},
        )

        assert Counter(path.replace(str(point), "{id}") for path in gateway.paths()) == {
            f"GET {CLEARANCE}/{{id}}": 1,
            "GET /users": 1,
            "GET /inventory/instances": 1,
            "GET /service-points": 1,
            "GET /circulation-bff/requests": 1,
        }
    assert report["holdShelfClearance"]["nodes"] == [
        {
            "requester": {"patronGroup": {"id": library.users[each["requesterId"]]["patronGroup"]}},
            "instance": {"editions": ["3. edition"]},
            "proxy": {"personal": {"lastName": proxy["personal"]["lastName"]}} if each is stored[0] else None,
            "pickupServicePoint": {"name": gateway.summary.service_point_name},
            "batchRequestInfo": None,
        }
        for each in stored
    ]


async def test_a_cancelled_request_on_the_shelf_comes_into_the_report(gateway: Gateway) -> None:
    """The mutation cancels it; the item is then to be cleared at the pickup service point."""
    library = gateway.library
    request = next(each for each in library.requests.values() if each["status"] == "Open - Awaiting pickup")
    others = [
        each["id"]
        for each in requests_on_shelf(gateway)
        if each["pickupServicePointId"] == request["pickupServicePointId"]
    ]

    result = await gateway.data(
        """mutation($input: CancelRequestInput!) { cancelRequest(input: $input) {
            ... on RequestCancelled { request {
                awaitingPickupRequestClosedDate
                pickupServicePoint { holdShelfClearance { totalCount nodes { id } } }
            } }
        } }""",
        {
            "input": {
                "requestId": request["id"],
                "cancellationReasonId": next(iter(library.cancellation_reasons)),
                "cancelledByUserId": gateway.summary.user_id,
            }
        },
    )

    shown = result["cancelRequest"]["request"]
    assert shown == {
        "awaitingPickupRequestClosedDate": from_upstream(request["awaitingPickupRequestClosedDate"]),
        "pickupServicePoint": {
            "holdShelfClearance": {
                "totalCount": len(others) + 1,
                "nodes": [{"id": each} for each in (request["id"], *others)],
            }
        },
    }


async def test_the_date_of_the_report_is_in_lists_of_requests_too(gateway: Gateway) -> None:
    """Circulation sends it of every request, and the BFF does not."""
    data = await gateway.data(
        """{ requests(filter: { status: [CLOSED_PICKUP_EXPIRED] }, first: 100) {
            nodes { id awaitingPickupRequestClosedDate }
        } }"""
    )

    dates = {
        each["id"]: from_upstream(each["awaitingPickupRequestClosedDate"])
        for each in requests_on_shelf(gateway)
        if each["status"] == "Closed - Pickup expired"
    }
    nodes = data["requests"]["nodes"]
    assert len(nodes) > len(dates) == 2
    assert {each["id"]: each["awaitingPickupRequestClosedDate"] for each in nodes} == {
        each["id"]: dates.get(each["id"]) for each in nodes
    }
    assert gateway.paths() == ["GET /circulation/requests"]


async def test_every_service_point_has_its_report(gateway: Gateway) -> None:
    """Upstream computes the report for one service point per call."""
    data = await gateway.data(
        "{ servicePoints(first: 50) { nodes { id holdShelfClearance { totalCount } } } }"
    )

    counts = {each["id"]: each["holdShelfClearance"]["totalCount"] for each in data["servicePoints"]["nodes"]}
    point = gateway.summary.service_point_id
    assert counts == {key: 3 if key == point else 0 for key in counts}
    assert sorted(gateway.paths()) == sorted(
        ["GET /service-points", *(f"GET {CLEARANCE}/{key}" for key in counts)]
    )


async def test_an_item_in_transit_has_every_column_for_one_call(gateway: Gateway) -> None:
    """Item, location, request, loan, last scan and destination are embedded in the report."""
    library = gateway.library
    request = next(each for each in library.requests.values() if each["status"] == "Open - In transit")
    request["tags"] = {"tagList": ["urgent"]}
    item, loan = library.items[request["itemId"]], next(iter(library.loans.values()))
    item |= {"yearCaption": ["1901"], "volume": "v. 2", "enumeration": "no. 3", "displaySummary": "v. 2"}
    point = library.service_points[item["lastCheckIn"]["servicePointId"]]
    loan |= {
        "itemId": item["id"],
        "itemStatus": "In transit",
        "returnDate": "2026-01-02T03:04:05.000+00:00",
        "checkinServicePointId": point["id"],
    }

    data = await gateway.data(
        """{ itemsInTransit { totalCount nodes {
            id title barcode contributors { name } callNumber copyNumber enumeration volume displaySummary
            yearCaption effectiveCallNumberComponents { callNumber prefix suffix }
            status { name nameText }
            inTransitDestinationServicePoint { id name } location { name code libraryName }
            request {
                requestType requestTypeText requestDate requestExpirationDate
                requestPickupServicePointName requestPatronGroup tags
            }
            loan {
                checkInDateTime
                checkInServicePoint {
                    name code discoveryDisplayName description shelvingLagTime pickupLocation
                }
            }
            lastCheckIn { dateTime servicePoint { id name } }
        } } }"""
    )

    assert gateway.paths() == [f"GET {IN_TRANSIT}"]
    report = data["itemsInTransit"]
    assert report["totalCount"] == len(report["nodes"]) == 9
    node = next(each for each in report["nodes"] if each["id"] == item["id"])
    holdings = library.holdings[item["holdingsRecordId"]]
    title = library.instances[holdings["instanceId"]]
    location = library.locations[holdings["permanentLocationId"]]
    destination = library.service_points[request["pickupServicePointId"]]
    requester = library.users[request["requesterId"]]
    assert node == {
        "id": item["id"],
        "title": title["title"],
        "barcode": item["barcode"],
        "contributors": [{"name": each["name"]} for each in title["contributors"]],
        "callNumber": holdings["callNumber"],
        "copyNumber": item["copyNumber"],
        "enumeration": "no. 3",
        "volume": "v. 2",
        "displaySummary": "v. 2",
        "yearCaption": ["1901"],
        "effectiveCallNumberComponents": {
            "callNumber": holdings["callNumber"],
            "prefix": None,
            "suffix": None,
        },
        "status": {"name": "IN_TRANSIT", "nameText": "In transit"},
        "inTransitDestinationServicePoint": {"id": destination["id"], "name": destination["name"]},
        "location": {
            "name": location["name"],
            "code": location["code"],
            "libraryName": library.libraries[location["libraryId"]]["name"],
        },
        "request": {
            "requestType": "PAGE",
            "requestTypeText": "Page",
            "requestDate": from_upstream(request["requestDate"]),
            "requestExpirationDate": None,
            "requestPickupServicePointName": destination["name"],
            "requestPatronGroup": library.groups[requester["patronGroup"]]["desc"],
            "tags": ["urgent"],
        },
        "loan": {
            "checkInDateTime": "2026-01-02T03:04:05.000Z",
            "checkInServicePoint": {
                name: point[name]
                for name in (
                    "name",
                    "code",
                    "discoveryDisplayName",
                    "description",
                    "shelvingLagTime",
                    "pickupLocation",
                )
            },
        },
        "lastCheckIn": {
            "dateTime": from_upstream(item["lastCheckIn"]["dateTime"]),
            "servicePoint": {"id": point["id"], "name": point["name"]},
        },
    }


@pytest.mark.parametrize("execution", ["plan", "generic"])
async def test_links_of_items_in_transit(execution: str) -> None:
    """The report is read once per operation; items and service points beyond it are read in batches."""
    async with open_gateway(execution=execution) as gateway:
        library = gateway.library
        data = await gateway.data(
            """{ itemsInTransit { nodes {
                item { id title barcode status { name } hrid } lastCheckIn { servicePoint { code } }
                inTransitDestinationServicePoint { id code }
            } }
            free: itemsInTransit { nodes { item { id title barcode status { name } } } } }"""
        )

        assert Counter(gateway.paths()) == {
            f"GET {IN_TRANSIT}": 1,
            "GET /inventory/items": 1,
            "GET /service-points": 1,
        }
    for node, free in zip(data["itemsInTransit"]["nodes"], data["free"]["nodes"], strict=True):
        item = library.items[node["item"]["id"]]
        destination = library.service_points[item["inTransitDestinationServicePointId"]]
        assert {**free["item"], "hrid": item["hrid"]} == node["item"]
        assert node["inTransitDestinationServicePoint"] == {
            "id": destination["id"],
            "code": destination["code"],
        }
        if "lastCheckIn" in item:
            point = library.service_points[item["lastCheckIn"]["servicePointId"]]
            assert node["lastCheckIn"] == {"servicePoint": {"code": point["code"]}}
        else:
            assert node["lastCheckIn"] is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 403, "body": "Access requires permission"}, "FORBIDDEN"),
        ({"status": 404, "body": "No suitable module found"}, "UPSTREAM_BAD_RESPONSE"),
        ({"status": 500}, "UPSTREAM_ERROR"),
    ],
)
async def test_a_report_that_fails_leaves_the_other(
    gateway: Gateway, fault: dict[str, Json], code: str
) -> None:
    """Each report has its own permission and interface, and its own error."""
    gateway.sandbox.faults.add(kind="status", path=CLEARANCE, **fault)

    response = await gateway.execute(
        "query($id: ID!) { holdShelfClearance(servicePointId: $id) { totalCount } "
        "itemsInTransit { totalCount } }",
        {"id": gateway.summary.service_point_id},
    )

    assert response["data"] == {"holdShelfClearance": None, "itemsInTransit": {"totalCount": 9}}
    (error,) = response["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["holdShelfClearance"], code)


async def test_a_report_that_is_too_large_is_refused() -> None:
    """A report is read within the limit on what an operation may receive."""
    async with open_gateway(max_operation_bytes=2000) as gateway:
        response = await gateway.execute("{ itemsInTransit { totalCount } }")

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert response["data"] == {"itemsInTransit": None}


async def test_a_report_with_an_incomplete_element(gateway: Gateway) -> None:
    """An element without members has nulls, and one that is no object is one error."""
    gateway.sandbox.faults.add(
        kind="wrong_shape", path=IN_TRANSIT, shape={"items": [{}, "text"], "totalRecords": 2}
    )

    response = await gateway.execute("{ itemsInTransit { nodes { id title item { id } } } }")

    assert response["data"]["itemsInTransit"]["nodes"] == [{"id": None, "title": None, "item": None}, None]
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "UPSTREAM_BAD_RESPONSE"
    assert error["path"] == ["itemsInTransit", "nodes", 1]


async def test_the_service_point_must_be_an_id(gateway: Gateway) -> None:
    """Anything else is refused, and nothing is sent."""
    response = await gateway.execute('{ holdShelfClearance(servicePointId: "desk") { totalCount } }')

    (error,) = response["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert gateway.paths() == []
