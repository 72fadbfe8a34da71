"""Seeded instances, holdings and items."""

from __future__ import annotations

from gateway.sandbox.collections.instances import ISBN
from gateway.sandbox.library import Record
from gateway.sandbox.seed.names_and_titles import (
    CLASSICS,
    FIRST_NAMES,
    LAST_NAMES,
    PUBLISHERS,
    TITLE_FORMS,
    TOPICS,
)
from gateway.sandbox.seed.places import LOCATIONS
from gateway.sandbox.seed.seeder import Seeder

INSTANCE_COUNT = 160
ITEM_COUNT = 320
SECOND_HOLDINGS = range(20, 30)  # these instances have second holdings, at another location

# Items are numbered from 0; the barcode is 2000000001 + number unless listed here.
WITHOUT_BARCODE = 2
ODD_BARCODES = {
    3: "A*B?C",
    4: 'the "quoted" one',
    5: "with blanks in it",
    6: "shelf/7 & more+%",
    7: "back\\slash^",
}
NOT_LOANABLE, DVD, RESERVE, BOUND_WITH, COMPLETE_ITEM = 8, 9, 10, 11, 160
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
ITEMS_ON_LOAN = range(30, 155)


def barcode(number: int) -> str:
    return ODD_BARCODES.get(number, str(2000000001 + number))


def add_inventory(seeder: Seeder) -> None:
    library = seeder.library
    for number in range(INSTANCE_COUNT):
        seeder.add(library.instances, instance(seeder, number))
        seeder.add(library.holdings, holdings(seeder, number, str(number), number))
    for number in SECOND_HOLDINGS:
        seeder.add(library.holdings, holdings(seeder, number, f"{number}-second", number + 3))
    library.instances[seeder.id("instance", 0)] |= complete_instance(seeder)
    library.holdings[seeder.id("holdings", "0")] |= complete_holdings(seeder)
    for number in range(ITEM_COUNT):
        seeder.add(library.items, item(seeder, number))
    library.items[seeder.id("item", COMPLETE_ITEM)] |= complete_item(seeder)


def title_author_year(number: int) -> tuple[str, str, str]:
    if number < len(CLASSICS):
        return CLASSICS[number]
    topic = TOPICS[number % len(TOPICS)]
    title = TITLE_FORMS[number % len(TITLE_FORMS)].format(topic)
    last, first = LAST_NAMES[number * 3 % len(LAST_NAMES)], FIRST_NAMES[number * 5 % len(FIRST_NAMES)]
    author = f"{last}, {first}"
    return title, author, str(1960 + number % 60)


def instance(seeder: Seeder, number: int) -> Record:
    title, author, year = title_author_year(number)
    publisher, place = PUBLISHERS[number % len(PUBLISHERS)]
    return {
        "id": seeder.id("instance", number),
        "_version": 1,
        "hrid": f"in{number + 1:08}",
        "source": "FOLIO" if number % 2 else "MARC",
        "title": title,
        "identifiers": [{"value": f"97800000{number:05}", "identifierTypeId": ISBN}],
        "contributors": [
            {
                "name": author,
                "contributorTypeId": seeder.id("contributor-type", "author"),
                "contributorTypeText": "author",
                "contributorNameTypeId": seeder.id("contributor-name-type", "personal"),
                "primary": True,
            }
        ],
        "publication": [
            {"publisher": publisher, "place": place, "dateOfPublication": year, "role": "Publisher"}
        ],
        "editions": [f"{1 + number % 4}. edition"] if number % 3 == 0 else [],
        "physicalDescriptions": [f"{120 + number} pages ; 23 cm"],
        "languages": ["eng"],
        "instanceTypeId": seeder.id("instance-type", "text"),
        "electronicAccess": [],
        "notes": [],
        "staffSuppress": False,
        "discoverySuppress": False,
        "metadata": seeder.metadata(-600 + number),
    }


def complete_instance(seeder: Seeder) -> Record:
    """Return further fields for the first instance, so that every field occurs."""
    links = {
        "uri": "https://books.example/pride",
        "linkText": "Read online",
        "materialsSpecification": "Whole text",
        "publicNote": "Open to everyone",
        "relationshipId": seeder.id("relationship", "resource"),
    }
    preceding = {"title": "First impressions", "hrid": "in90000001", "identifiers": []}
    return {
        "sourceUri": "https://catalogue.example/records/1",
        "indexTitle": "Pride and prejudice",
        "alternativeTitles": [
            {
                "alternativeTitleTypeId": seeder.id("alternative-title-type", "variant"),
                "alternativeTitle": "First impressions",
                "authorityId": seeder.id("authority", "title"),
            }
        ],
        "series": [{"value": "Novels of the Regency", "authorityId": seeder.id("authority", "series")}],
        "subjects": [
            {"value": "Courtship -- Fiction", "authorityId": seeder.id("authority", "courtship")},
            {"value": "England -- Social life and customs -- Fiction"},
        ],
        "classifications": [
            {
                "classificationNumber": "PR4034 .P7",
                "classificationTypeId": seeder.id("classification-type", "lc"),
            }
        ],
        "contributors": [
            {
                "name": "Austen, Jane",
                "contributorTypeId": seeder.id("contributor-type", "author"),
                "contributorTypeText": "author",
                "contributorNameTypeId": seeder.id("contributor-name-type", "personal"),
                "authorityId": seeder.id("authority", "austen"),
                "primary": True,
            },
            {"name": "Grant, Fiona", "contributorTypeText": "editor", "primary": False},
        ],
        "editions": ["First edition"],
        "electronicAccess": [links],
        "dates": {"dateTypeId": seeder.id("date-type", "single"), "date1": "1813", "date2": "1817"},
        "instanceFormatIds": [seeder.id("instance-format", "volume")],
        "publicationFrequency": ["Once"],
        "publicationRange": ["1813-"],
        "notes": [
            {
                "instanceNoteTypeId": seeder.id("instance-note-type", "general"),
                "note": "Published anonymously.",
                "staffOnly": False,
            }
        ],
        "administrativeNotes": ["Checked against the shelf list"],
        "modeOfIssuanceId": seeder.id("mode-of-issuance", "single unit"),
        "natureOfContentTermIds": [seeder.id("nature-of-content", "novel")],
        "catalogedDate": seeder.day(-500)[:10],
        "previouslyHeld": False,
        "statisticalCodeIds": [seeder.id("statistical-code", "books")],
        "statusId": seeder.id("instance-status", "cataloged"),
        "statusUpdatedDate": seeder.day(-500),
        "tags": {"tagList": ["urgent", "gift"]},
        "parentInstances": [],
        "childInstances": [],
        "precedingTitles": [preceding | {"id": seeder.id("preceding-title", 0)}],
        "succeedingTitles": [],
        "shared": True,
    }


def holdings(seeder: Seeder, number: int, key: str, place: int) -> Record:
    affixes = {"callNumberPrefix": "Oversize", "callNumberSuffix": "v.1"} if number % 10 == 5 else {}
    return affixes | {
        "id": seeder.id("holdings", key),
        "_version": 1,
        "hrid": f"ho{number + 1:08}" + ("" if key == str(number) else "-2"),
        "instanceId": seeder.id("instance", number),
        "sourceId": seeder.id("holdings-source", "FOLIO"),
        "permanentLocationId": seeder.id("location", LOCATIONS[place % len(LOCATIONS)][0]),
        "callNumber": f"{'PQRSTHKM'[number % 8]}{1000 + number} .{chr(65 + number % 26)}{number}",
        "callNumberTypeId": seeder.id("call-number-type", "lc"),
        "formerIds": [],
        "notes": [],
        "electronicAccess": [],
        "metadata": seeder.metadata(-590 + number),
    }


def complete_holdings(seeder: Seeder) -> Record:
    return {
        "holdingsTypeId": seeder.id("holdings-type", "monograph"),
        "formerIds": ["old-holdings-1"],
        "callNumberPrefix": "Rare",
        "callNumberSuffix": "c. 1813",
        "shelvingTitle": "Pride and prejudice",
        "copyNumber": "1",
        "temporaryLocationId": seeder.id("location", "main"),
        "acquisitionMethod": "Gift",
        "acquisitionFormat": "Print",
        "orderFormat": "Other",
        "receiptStatus": "Fully received",
        "retentionPolicy": "Permanently retained",
        "digitizationPolicy": "Allowed",
        "numberOfItems": "2",
        "illPolicyId": seeder.id("ill-policy", "will lend"),
        "discoverySuppress": False,
        "administrativeNotes": ["Boxed"],
        "statisticalCodeIds": [seeder.id("statistical-code", "books")],
        "tags": {"tagList": ["boxed"]},
        "notes": [
            {
                "holdingsNoteTypeId": seeder.id("holdings-note-type", "binding"),
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
                "relationshipId": seeder.id("relationship", "version"),
            }
        ],
        "holdingsStatements": [{"statement": "v. 1-3", "note": "complete", "staffNote": "checked"}],
        "holdingsStatementsForIndexes": [],
        "holdingsStatementsForSupplements": [],
    }


def item(seeder: Seeder, number: int) -> Record:
    instance_number = number % INSTANCE_COUNT
    second = number >= INSTANCE_COUNT and instance_number in SECOND_HOLDINGS
    record: Record = {
        "id": seeder.id("item", number),
        "_version": 1,
        "hrid": f"it{number + 1:08}",
        "holdingsRecordId": seeder.id(
            "holdings", f"{instance_number}-second" if second else str(instance_number)
        ),
        "status": {"name": STATUSES_WITHOUT_LOAN.get(number, "Available"), "date": seeder.day(-100)},
        "materialTypeId": seeder.id("material-type", "dvd" if number % 11 == DVD else "book"),
        "permanentLoanTypeId": seeder.id("loan-type", LOAN_TYPE_OF.get(number, "Can circulate")),
        "copyNumber": str(1 + number // INSTANCE_COUNT),
        "effectiveShelvingOrder": f"{'PQRSTHKM'[instance_number % 8]} {1000 + instance_number}",
        "circulationNotes": [],
        "notes": [],
        "yearCaption": [],
        "formerIds": [],
        "electronicAccess": [],
        "statisticalCodeIds": [],
        "administrativeNotes": [],
        "metadata": seeder.metadata(-580 + number),
    }
    if number != WITHOUT_BARCODE:
        record["barcode"] = barcode(number)
    if number % 9 == 1:
        record |= {"enumeration": f"no. {number}", "volume": f"v. {1 + number % 5}", "chronology": "Spring"}
        record |= {"displaySummary": f"no. {number} (Spring)", "accessionNumber": f"ACC-{number}"}
    if number == BOUND_WITH:
        record |= {"isBoundWith": True, "boundWithHoldingsIds": [seeder.id("holdings", "12")]}
    if record["status"]["name"] == "In transit":
        record["inTransitDestinationServicePointId"] = seeder.id("service-point", "annex")
    return record


LOAN_TYPE_OF = {NOT_LOANABLE: "Reading room", RESERVE: "Course reserves"}


def complete_item(seeder: Seeder) -> Record:
    """Return further fields for the first instance's second item, so that every field occurs."""
    source = {"id": seeder.id("user", "head"), "personal": {"lastName": "Head", "firstName": "Hanna"}}
    note = {"note": "Handle with care", "staffOnly": True, "source": source, "date": seeder.day(-90)}
    return {
        "formerIds": ["old-item-1"],
        "discoverySuppress": False,
        "displaySummary": "v. 1 (1813)",
        "accessionNumber": "ACC-160",
        "itemLevelCallNumber": "PR4034 .P7 1813",
        "itemLevelCallNumberPrefix": "Rare",
        "itemLevelCallNumberSuffix": "c. 2",
        "itemLevelCallNumberTypeId": seeder.id("call-number-type", "lc"),
        "volume": "v. 1",
        "enumeration": "no. 1",
        "chronology": "1813",
        "yearCaption": ["1813", "1817"],
        "itemIdentifier": "ID-160",
        "numberOfPieces": "3",
        "descriptionOfPieces": "2 volumes, 1 map",
        "numberOfMissingPieces": "1",
        "missingPieces": "the map",
        "missingPiecesDate": seeder.day(-60),
        "itemDamagedStatusId": seeder.id("damaged-status", "Damaged"),
        "itemDamagedStatusDate": seeder.day(-60),
        "administrativeNotes": ["Rebound"],
        "notes": [
            {
                "itemNoteTypeId": seeder.id("item-note-type", "Note"),
                "note": "Spine torn",
                "staffOnly": False,
            }
        ],
        "circulationNotes": [
            note | {"id": seeder.id("circulation-note", 0), "noteType": "Check out"},
            note | {"id": seeder.id("circulation-note", 1), "noteType": "Check in", "staffOnly": False},
        ],
        "temporaryLoanTypeId": seeder.id("loan-type", "Selected"),
        "permanentLocationId": seeder.id("location", "second"),
        "temporaryLocationId": seeder.id("location", "popular"),
        "electronicAccess": [
            {
                "uri": "https://books.example/pride/copy-2",
                "linkText": "Cover",
                "materialsSpecification": "Image",
                "publicNote": "Cover only",
                "relationshipId": seeder.id("relationship", "resource"),
            }
        ],
        "statisticalCodeIds": [seeder.id("statistical-code", "books")],
        "purchaseOrderLineIdentifier": "10000-1",
        "tags": {"tagList": ["repair"]},
        "lastCheckIn": {
            "dateTime": seeder.day(-90),
            "servicePointId": seeder.id("service-point", "cd2"),
            "staffMemberId": seeder.id("user", "desk"),
        },
    }
