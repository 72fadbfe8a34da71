"""Titles, their holdings and their copies."""

from __future__ import annotations

from gateway.sandbox.instance import ISBN
from gateway.sandbox.library import Record
from gateway.sandbox.seed import words
from gateway.sandbox.seed.places import LOCATIONS
from gateway.sandbox.seed.planting import Planting

INSTANCES = 160
ITEMS = 320
SECOND_HOLDINGS = range(20, 30)  # these instances have a second set, at another location

# Items are numbered from 0; the barcode is 2000000001 + number unless listed here.
WITHOUT_BARCODE = 2
ODD_BARCODES = {
    3: "A*B?C",
    4: 'the "quoted" one',
    5: "with blanks in it",
    6: "shelf/7 & more+%",
    7: "back\\slash^",
}
NOT_LOANABLE, DVD, RESERVE, BOUND_WITH, COMPLETE = 8, 9, 10, 11, 160
STATUSES_WITHOUT_LOAN = {
    12: "Lost and paid",
    13: "Long missing",
    14: "Missing",
    15: "In process",
    16: "In process (non-requestable)",
    17: "Intellectual item",
    18: "On order",
    19: "Order closed",
    20: "Restricted",
    21: "Unavailable",
    22: "Unknown",
    23: "Withdrawn",
    24: "In transit",
}
ON_LOAN = range(30, 155)


def barcode(number: int) -> str:
    return ODD_BARCODES.get(number, str(2000000001 + number))


def plant(planting: Planting) -> None:
    library = planting.library
    for number in range(INSTANCES):
        planting.shelve(library.instances, instance(planting, number))
        planting.shelve(library.holdings, holdings(planting, number, str(number), number))
    for number in SECOND_HOLDINGS:
        planting.shelve(library.holdings, holdings(planting, number, f"{number}-second", number + 3))
    library.instances[planting.id("instance", 0)] |= complete_instance(planting)
    library.holdings[planting.id("holdings", "0")] |= complete_holdings(planting)
    for number in range(ITEMS):
        planting.shelve(library.items, item(planting, number))
    library.items[planting.id("item", COMPLETE)] |= complete_item(planting)


def title_of(number: int) -> tuple[str, str, str]:
    if number < len(words.CLASSICS):
        return words.CLASSICS[number]
    topic = words.TOPICS[number % len(words.TOPICS)]
    title = words.FORMS[number % len(words.FORMS)].format(topic)
    author = f"{words.LAST[number * 3 % len(words.LAST)]}, {words.FIRST[number * 5 % len(words.FIRST)]}"
    return title, author, str(1960 + number % 60)


def instance(planting: Planting, number: int) -> Record:
    title, author, year = title_of(number)
    publisher, place = words.PUBLISHERS[number % len(words.PUBLISHERS)]
    return {
        "id": planting.id("instance", number),
        "_version": 1,
        "hrid": f"in{number + 1:08}",
        "source": "FOLIO" if number % 2 else "MARC",
        "title": title,
        "identifiers": [{"value": f"97800000{number:05}", "identifierTypeId": ISBN}],
        "contributors": [
            {
                "name": author,
                "contributorTypeId": planting.id("contributor-type", "author"),
                "contributorTypeText": "author",
                "contributorNameTypeId": planting.id("contributor-name-type", "personal"),
                "primary": True,
            }
        ],
        "publication": [
            {"publisher": publisher, "place": place, "dateOfPublication": year, "role": "Publisher"}
        ],
        "editions": [f"{1 + number % 4}. edition"] if number % 3 == 0 else [],
        "physicalDescriptions": [f"{120 + number} pages ; 23 cm"],
        "languages": ["eng"],
        "instanceTypeId": planting.id("instance-type", "text"),
        "electronicAccess": [],
        "notes": [],
        "staffSuppress": False,
        "discoverySuppress": False,
        "metadata": planting.metadata(-600 + number),
    }


def complete_instance(planting: Planting) -> Record:
    """What the first title has on top, so that every field is seen somewhere."""
    links = {
        "uri": "https://books.example/pride",
        "linkText": "Read online",
        "materialsSpecification": "Whole text",
        "publicNote": "Open to everyone",
        "relationshipId": planting.id("relationship", "resource"),
    }
    preceding = {"title": "First impressions", "hrid": "in90000001", "identifiers": []}
    return {
        "indexTitle": "Pride and prejudice",
        "alternativeTitles": [
            {
                "alternativeTitleTypeId": planting.id("alternative-title-type", "variant"),
                "alternativeTitle": "First impressions",
                "authorityId": planting.id("authority", "title"),
            }
        ],
        "series": [{"value": "Novels of the Regency", "authorityId": planting.id("authority", "series")}],
        "subjects": [
            {"value": "Courtship -- Fiction", "authorityId": planting.id("authority", "courtship")},
            {"value": "England -- Social life and customs -- Fiction"},
        ],
        "classifications": [
            {
                "classificationNumber": "PR4034 .P7",
                "classificationTypeId": planting.id("classification-type", "lc"),
            }
        ],
        "contributors": [
            {
                "name": "Austen, Jane",
                "contributorTypeId": planting.id("contributor-type", "author"),
                "contributorTypeText": "author",
                "contributorNameTypeId": planting.id("contributor-name-type", "personal"),
                "authorityId": planting.id("authority", "austen"),
                "primary": True,
            },
            {"name": "Grant, Fiona", "contributorTypeText": "editor", "primary": False},
        ],
        "editions": ["First edition"],
        "electronicAccess": [links],
        "dates": {"dateTypeId": planting.id("date-type", "single"), "date1": "1813", "date2": "1817"},
        "instanceFormatIds": [planting.id("instance-format", "volume")],
        "publicationFrequency": ["Once"],
        "publicationRange": ["1813-"],
        "notes": [
            {
                "instanceNoteTypeId": planting.id("instance-note-type", "general"),
                "note": "Published anonymously.",
                "staffOnly": False,
            }
        ],
        "administrativeNotes": ["Checked against the shelf list"],
        "modeOfIssuanceId": planting.id("mode-of-issuance", "single unit"),
        "natureOfContentTermIds": [planting.id("nature-of-content", "novel")],
        "catalogedDate": planting.day(-500)[:10],
        "previouslyHeld": False,
        "statisticalCodeIds": [planting.id("statistical-code", "books")],
        "statusId": planting.id("instance-status", "cataloged"),
        "statusUpdatedDate": planting.day(-500),
        "tags": {"tagList": ["urgent", "gift"]},
        "parentInstances": [],
        "childInstances": [],
        "precedingTitles": [preceding | {"id": planting.id("preceding-title", 0)}],
        "succeedingTitles": [],
        "shared": True,
    }


def holdings(planting: Planting, number: int, key: str, place: int) -> Record:
    affixes = {"callNumberPrefix": "Oversize", "callNumberSuffix": "v.1"} if number % 10 == 5 else {}
    return affixes | {
        "id": planting.id("holdings", key),
        "_version": 1,
        "hrid": f"ho{number + 1:08}" + ("" if key == str(number) else "-2"),
        "instanceId": planting.id("instance", number),
        "sourceId": planting.id("holdings-source", "FOLIO"),
        "permanentLocationId": planting.id("location", LOCATIONS[place % len(LOCATIONS)][0]),
        "callNumber": f"{'PQRSTHKM'[number % 8]}{1000 + number} .{chr(65 + number % 26)}{number}",
        "callNumberTypeId": planting.id("call-number-type", "lc"),
        "formerIds": [],
        "notes": [],
        "electronicAccess": [],
        "metadata": planting.metadata(-590 + number),
    }


def complete_holdings(planting: Planting) -> Record:
    return {
        "holdingsTypeId": planting.id("holdings-type", "monograph"),
        "formerIds": ["old-holdings-1"],
        "callNumberPrefix": "Rare",
        "callNumberSuffix": "c. 1813",
        "shelvingTitle": "Pride and prejudice",
        "copyNumber": "1",
        "temporaryLocationId": planting.id("location", "main"),
        "acquisitionMethod": "Gift",
        "acquisitionFormat": "Print",
        "orderFormat": "Other",
        "receiptStatus": "Fully received",
        "retentionPolicy": "Permanently retained",
        "digitizationPolicy": "Allowed",
        "numberOfItems": "2",
        "illPolicyId": planting.id("ill-policy", "will lend"),
        "discoverySuppress": False,
        "administrativeNotes": ["Boxed"],
        "statisticalCodeIds": [planting.id("statistical-code", "books")],
        "tags": {"tagList": ["boxed"]},
        "notes": [
            {
                "holdingsNoteTypeId": planting.id("holdings-note-type", "binding"),
                "note": "Half calf",
                "staffOnly": True,
            }
        ],
        "electronicAccess": [
            {
                "uri": "https://books.example/pride/holdings",
                "linkText": "Scan",
                "materialsSpecification": "Volume 1",
                "publicNote": "On campus only",
                "relationshipId": planting.id("relationship", "version"),
            }
        ],
        "holdingsStatements": [{"statement": "v. 1-3", "note": "complete", "staffNote": "checked"}],
        "holdingsStatementsForIndexes": [],
        "holdingsStatementsForSupplements": [],
    }


def item(planting: Planting, number: int) -> Record:
    instance_number = number % INSTANCES
    second = number >= INSTANCES and instance_number in SECOND_HOLDINGS
    record: Record = {
        "id": planting.id("item", number),
        "_version": 1,
        "hrid": f"it{number + 1:08}",
        "holdingsRecordId": planting.id(
            "holdings", f"{instance_number}-second" if second else str(instance_number)
        ),
        "status": {"name": STATUSES_WITHOUT_LOAN.get(number, "Available"), "date": planting.day(-100)},
        "materialTypeId": planting.id("material-type", "dvd" if number % 11 == DVD else "book"),
        "permanentLoanTypeId": planting.id("loan-type", LOAN_TYPE_OF.get(number, "Can circulate")),
        "copyNumber": str(1 + number // INSTANCES),
        "effectiveShelvingOrder": f"{'PQRSTHKM'[instance_number % 8]} {1000 + instance_number}",
        "circulationNotes": [],
        "notes": [],
        "yearCaption": [],
        "formerIds": [],
        "electronicAccess": [],
        "statisticalCodeIds": [],
        "administrativeNotes": [],
        "metadata": planting.metadata(-580 + number),
    }
    if number != WITHOUT_BARCODE:
        record["barcode"] = barcode(number)
    if number % 9 == 1:
        record |= {"enumeration": f"no. {number}", "volume": f"v. {1 + number % 5}", "chronology": "Spring"}
        record |= {"displaySummary": f"no. {number} (Spring)", "accessionNumber": f"ACC-{number}"}
    if number == BOUND_WITH:
        record |= {"isBoundWith": True, "boundWithHoldingsIds": [planting.id("holdings", "12")]}
    if record["status"]["name"] == "In transit":
        record["inTransitDestinationServicePointId"] = planting.id("service-point", "annex")
    return record


LOAN_TYPE_OF = {NOT_LOANABLE: "Reading room", RESERVE: "Course reserves"}


def complete_item(planting: Planting) -> Record:
    """The second copy of the first title has everything an item can have."""
    source = {"id": planting.id("user", "head"), "personal": {"lastName": "Head", "firstName": "Hanna"}}
    note = {"note": "Handle with care", "staffOnly": True, "source": source, "date": planting.day(-90)}
    return {
        "formerIds": ["old-item-1"],
        "discoverySuppress": False,
        "displaySummary": "v. 1 (1813)",
        "accessionNumber": "ACC-160",
        "itemLevelCallNumber": "PR4034 .P7 1813",
        "itemLevelCallNumberPrefix": "Rare",
        "itemLevelCallNumberSuffix": "c. 2",
        "itemLevelCallNumberTypeId": planting.id("call-number-type", "lc"),
        "volume": "v. 1",
        "enumeration": "no. 1",
        "chronology": "1813",
        "yearCaption": ["1813", "1817"],
        "itemIdentifier": "ID-160",
        "numberOfPieces": "3",
        "descriptionOfPieces": "2 volumes, 1 map",
        "numberOfMissingPieces": "1",
        "missingPieces": "the map",
        "missingPiecesDate": planting.day(-60),
        "itemDamagedStatusId": planting.id("damaged-status", "Damaged"),
        "itemDamagedStatusDate": planting.day(-60),
        "administrativeNotes": ["Rebound"],
        "notes": [
            {
                "itemNoteTypeId": planting.id("item-note-type", "Note"),
                "note": "Spine torn",
                "staffOnly": False,
            }
        ],
        "circulationNotes": [
            note | {"id": planting.id("circulation-note", 0), "noteType": "Check out"},
            note | {"id": planting.id("circulation-note", 1), "noteType": "Check in", "staffOnly": False},
        ],
        "temporaryLoanTypeId": planting.id("loan-type", "Selected"),
        "permanentLocationId": planting.id("location", "second"),
        "temporaryLocationId": planting.id("location", "popular"),
        "electronicAccess": [
            {
                "uri": "https://books.example/pride/copy-2",
                "linkText": "Cover",
                "materialsSpecification": "Image",
                "publicNote": "Cover only",
                "relationshipId": planting.id("relationship", "resource"),
            }
        ],
        "statisticalCodeIds": [planting.id("statistical-code", "books")],
        "purchaseOrderLineIdentifier": "10000-1",
        "tags": {"tagList": ["repair"]},
        "lastCheckIn": {
            "dateTime": planting.day(-90),
            "servicePointId": planting.id("service-point", "cd2"),
            "staffMemberId": planting.id("user", "desk"),
        },
    }
