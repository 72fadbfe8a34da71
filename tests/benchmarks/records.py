"""The library behind the benchmarks: FOLIO records as the services send them, the same in every process.

A loan has some 60 members, the summaries of item, borrower, policies and service point that
mod-circulation embeds among them (2.5 kB); what is null is absent, as there. The first 100 loans belong to 40
users, 5 service points and 60 titles; 900 more, of the same, are for lists of 1,000. The 100 requests differ
in everything: requester, proxy, pickup point, title and item. Summaries agree with the records they are of,
so that a followed link and the embedded summary have the same values.
"""

from __future__ import annotations

import uuid
from typing import Any

Record = dict[str, Any]  # Any: JSON

LOANS, USERS_OF_LOANS, DESKS_OF_LOANS, TITLES_OF_LOANS = 100, 40, 5, 60
MANY_LOANS = 1000
REQUESTS = 100

_NAMESPACE = uuid.UUID("2f1c7a52-31a8-4d0c-9c0e-6f8f0a6c3b11")
_GIVEN = ("Amara", "Nils", "Zoë", "Leila", "José", "Uma", "Ōta", "Sam")
_FAMILY = ("Horvat", "Tanaka", "Wójcik", "Okafor", "Lindqvist", "García", "Smith", "Nguyễn")
_SUBJECTS = ("tides", "volcanoes", "printing", "railways", "mosses", "lighthouses", "maps")


def uid(kind: str, number: int) -> str:
    """Return the id of a record: a UUID that is the same in each process."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind} {number}"))


def date_time(days: int) -> str:
    """Return a date and time in FOLIO's form, some days into 2026."""
    month, day = divmod(days, 28)
    return f"2026-{month % 12 + 1:02d}-{day + 1:02d}T{days % 24:02d}:30:00.000+00:00"


def metadata(number: int) -> Record:
    return {
        "createdDate": date_time(number),
        "createdByUserId": uid("staff", number % 3),
        "updatedDate": date_time(number + 20),
        "updatedByUserId": uid("staff", number % 5),
    }


def user(number: int) -> Record:
    return {
        "id": uid("user", number),
        "username": f"reader{number}",
        "externalSystemId": f"campus-{number:06d}",
        "barcode": f"{1_000_000_000 + number}",
        "active": True,
        "type": "patron",
        "patronGroup": uid("group", number % 4),
        "departments": [uid("department", number % 6)],
        "proxyFor": [],
        "personal": {
            "lastName": _FAMILY[number % 8],
            "firstName": _GIVEN[number // 8 % 8],
            "middleName": _GIVEN[number % 7],
            "email": f"reader{number}@library.example",
            "phone": f"555-{number:05d}",
            "addresses": [
                {
                    "id": uid("address", number),
                    "countryId": "US",
                    "addressLine1": f"{number} Garden Row",
                    "addressLine2": "2nd floor",
                    "city": "College Station",
                    "region": "TX",
                    "postalCode": "77843",
                    "addressTypeId": uid("address type", 1),
                    "primaryAddress": True,
                }
            ],
            "preferredContactTypeId": "002",
        },
        "enrollmentDate": date_time(number),
        "expirationDate": date_time(number + 180),
        "createdDate": date_time(number),
        "updatedDate": date_time(number + 1),
        "metadata": metadata(number),
    }


def service_point(number: int) -> Record:
    name = f"Circ Desk {number}"
    return {
        "id": uid("service point", number),
        "name": name,
        "code": f"cd{number}",
        "discoveryDisplayName": f"{name} (public entrance)",
        "description": f"Where readers meet staff: {name}",
        "shelvingLagTime": 5,
        "pickupLocation": True,
        "holdShelfExpiryPeriod": {"duration": 2 + number % 3, "intervalId": "Weeks"},
        "holdShelfClosedLibraryDateManagement": "Keep_the_current_due_date",
        "staffSlips": [{"id": uid("slip", 1), "printByDefault": True}],
        "ecsRequestRouting": False,
        "metadata": metadata(number),
    }


def instance(number: int) -> Record:
    return {
        "id": uid("instance", number),
        "_version": 1,
        "hrid": f"in{number:08d}",
        "source": "FOLIO",
        "title": f"A history of {_SUBJECTS[number % 7]}, volume {number}",
        "identifiers": [
            {"value": f"978{number:010d}", "identifierTypeId": uid("identifier type", each)}
            for each in range(2)
        ],
        "contributors": [
            {
                "name": f"{_FAMILY[number % 8]}, {_GIVEN[number % 5]}",
                "contributorTypeId": uid("contributor type", 1),
                "contributorTypeText": "author",
                "contributorNameTypeId": uid("contributor name type", 1),
                "primary": True,
            }
        ],
        "subjects": [{"value": f"{_SUBJECTS[number % 7].title()} -- History"}],
        "publication": [
            {
                "publisher": "Norrland Förlag",
                "place": "Umeå",
                "dateOfPublication": str(1950 + number % 70),
                "role": "Publisher",
            }
        ],
        "editions": [f"{number % 4 + 1}. edition"],
        "physicalDescriptions": [f"{100 + number} pages ; 23 cm"],
        "languages": ["eng"],
        "instanceTypeId": uid("instance type", 1),
        "electronicAccess": [],
        "notes": [],
        "staffSuppress": False,
        "discoverySuppress": False,
        "metadata": metadata(number),
        "isBoundWith": False,
    }


def item(number: int, status: str = "Checked out") -> Record:
    """Return a copy of the title of the same number; those of loans wrap round after 60 titles."""
    title = instance(number % TITLES_OF_LOANS if number < MANY_LOANS else number)
    return {
        "id": uid("item", number),
        "_version": 1,
        "hrid": f"it{number:08d}",
        "holdingsRecordId": uid("holdings", number),
        "formerIds": [],
        "barcode": f"{2_000_000_000 + number}",
        "effectiveShelvingOrder": f"QE {number:05d}",
        "yearCaption": [],
        "copyNumber": str(number % 3 + 1),
        "administrativeNotes": [],
        "notes": [],
        "circulationNotes": [],
        "status": {"name": status, "date": date_time(number % 200)},
        "electronicAccess": [],
        "statisticalCodeIds": [],
        "metadata": metadata(number % 200),
        "title": title["title"],
        "contributorNames": [{"name": title["contributors"][0]["name"]}],
        "callNumber": f"QE{number} .H67",
        "effectiveCallNumberComponents": {"callNumber": f"QE{number} .H67", "typeId": uid("call number", 1)},
        "materialType": {
            "id": uid("material type", number % 4),
            "name": ("book", "map", "score", "dvd")[number % 4],
        },
        "permanentLoanType": {"id": uid("loan type", 1), "name": "Can circulate"},
        "effectiveLocation": {"id": uid("location", number % 9), "name": f"Stacks {number % 9}"},
        "isBoundWith": False,
    }


def item_of_loan(copy: Record, title: Record) -> Record:
    """Return the item as embedded in its loan."""
    return {
        "id": copy["id"],
        "title": copy["title"],
        "callNumber": copy["callNumber"],
        "callNumberComponents": {"callNumber": copy["callNumber"]},
        "copyNumber": copy["copyNumber"],
        "editions": title["editions"],
        "materialType": {"name": copy["materialType"]["name"]},
        "contributors": copy["contributorNames"],
        "primaryContributor": copy["contributorNames"][0]["name"],
        "holdingsRecordId": copy["holdingsRecordId"],
        "instanceId": title["id"],
        "instanceHrid": title["hrid"],
        "barcode": copy["barcode"],
        "location": {"name": copy["effectiveLocation"]["name"]},
        "status": copy["status"],
        "datesOfPublication": [title["publication"][0]["dateOfPublication"]],
        "physicalDescriptions": title["physicalDescriptions"],
    }


def loan(number: int) -> Record:
    borrower = user(number % USERS_OF_LOANS)
    copy = item(number)
    title = instance(number % TITLES_OF_LOANS)
    desk = service_point(number % DESKS_OF_LOANS)
    group = borrower["patronGroup"]
    return {
        "id": uid("loan", number),
        "userId": borrower["id"],
        "itemId": copy["id"],
        "loanPolicyId": uid("loan policy", number % 2),
        "overdueFinePolicyId": uid("overdue policy", 0),
        "lostItemPolicyId": uid("lost policy", 0),
        "itemEffectiveLocationIdAtCheckOut": copy["effectiveLocation"]["id"],
        "status": {"name": "Open"},
        "loanDate": date_time(number),
        "dueDate": date_time(number + 28),
        "action": ("checkedout", "renewed")[number % 2],
        **({"actionComment": "Renewed at the desk"} if number % 2 else {}),
        "renewalCount": number % 2,
        "dueDateChangedByRecall": number % 7 == 0,
        "dueDateChangedByHold": False,
        "dueDateChangedByNearExpireUser": number % 11 == 0,
        "checkoutServicePointId": desk["id"],
        "isDcb": False,
        "metadata": metadata(number),
        "borrower": {
            "firstName": borrower["personal"]["firstName"],
            "lastName": borrower["personal"]["lastName"],
            "middleName": borrower["personal"]["middleName"],
            "barcode": borrower["barcode"],
            "patronGroup": group,
        },
        "loanPolicy": {"name": f"{number % 2 + 2} weeks"},
        "overdueFinePolicy": {"name": "Overdue fines"},
        "lostItemPolicy": {"name": "Lost items"},
        "item": item_of_loan(copy, title),
        "checkoutServicePoint": {
            name: desk[name]
            for name in (
                "name",
                "code",
                "discoveryDisplayName",
                "description",
                "shelvingLagTime",
                "pickupLocation",
                "holdShelfClosedLibraryDateManagement",
            )
        },
        "patronGroupAtCheckout": {"id": group, "name": "faculty"},
        "feesAndFines": {"amountRemainingToPay": number % 5 * 1.25},
    }


def _person(record: Record) -> Record:
    group = record["patronGroup"]
    return {
        "firstName": record["personal"]["firstName"],
        "lastName": record["personal"]["lastName"],
        "middleName": record["personal"]["middleName"],
        "barcode": record["barcode"],
        "patronGroupId": group,
        "patronGroup": {"id": group, "group": "faculty", "desc": "Faculty Member"},
    }


def request(number: int) -> Record:
    requester, proxy = user(1000 + number), user(2000 + number)
    copy, title, desk = item(1000 + number), instance(1000 + number), service_point(1000 + number)
    return {
        "id": uid("request", number),
        "requestType": ("Hold", "Recall", "Page")[number % 3],
        "requestLevel": "Item",
        "requestDate": date_time(number),
        **({"patronComments": "By the window, please"} if number % 4 == 0 else {}),
        "requesterId": requester["id"],
        "proxyUserId": proxy["id"],
        "instanceId": title["id"],
        "holdingsRecordId": copy["holdingsRecordId"],
        "itemId": copy["id"],
        "status": "Open - Not yet filled",
        "position": number % 3 + 1,
        "fulfillmentPreference": "Hold Shelf",
        "pickupServicePointId": desk["id"],
        "metadata": metadata(number),
        "instance": {
            "title": title["title"],
            "identifiers": title["identifiers"],
            "contributorNames": copy["contributorNames"],
            "publication": title["publication"],
            "editions": title["editions"],
        },
        "item": {
            "barcode": copy["barcode"],
            "location": {"name": copy["effectiveLocation"]["name"], "libraryName": "Main", "code": "M/S"},
            "status": copy["status"]["name"],
            "callNumber": copy["callNumber"],
            "callNumberComponents": {"callNumber": copy["callNumber"]},
            "copyNumber": copy["copyNumber"],
            "itemEffectiveLocationId": copy["effectiveLocation"]["id"],
            "itemEffectiveLocationName": copy["effectiveLocation"]["name"],
            "loanTypeId": copy["permanentLoanType"]["id"],
            "loanTypeName": copy["permanentLoanType"]["name"],
        },
        "requester": _person(requester),
        "proxy": _person(proxy),
        "pickupServicePoint": {
            name: desk[name]
            for name in (
                "name",
                "code",
                "discoveryDisplayName",
                "description",
                "shelvingLagTime",
                "pickupLocation",
            )
        },
    }


def prepared_lists() -> dict[str, tuple[str, list[Record]]]:
    """Return, for each path of the upstream, the member of the list, and its records in order."""
    of_requests = range(1000, 1000 + REQUESTS)
    return {
        "/circulation-bff/loans": ("loans", [loan(number) for number in range(MANY_LOANS)]),
        "/circulation-bff/requests": ("requests", [request(number) for number in range(REQUESTS)]),
        "/users": (
            "users",
            [
                user(number)
                for number in (*range(USERS_OF_LOANS), *of_requests, *range(2000, 2000 + REQUESTS))
            ],
        ),
        "/service-points": (
            "servicepoints",
            [service_point(number) for number in (*range(DESKS_OF_LOANS), *of_requests)],
        ),
        "/inventory/instances": (
            "instances",
            [instance(number) for number in (*range(TITLES_OF_LOANS), *of_requests)],
        ),
        "/inventory/items": ("items", [item(number) for number in (*range(LOANS), *of_requests)]),
    }
