"""Users in their groups: staff, patrons, and those the desk has to look at twice."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed import words
from gateway.sandbox.seed.planting import Planting

HOW_MANY = 300
GROUPS = [
    ("undergrad", "Undergraduate Student", 365),
    ("graduate", "Graduate Student", 730),
    ("faculty", "Faculty Member", 1095),
    ("staff", "Staff Member", 730),
    ("visitor", "Visitor with a day card", 30),
]
ADDRESS_TYPES = [
    ("Campus", "Campus address"),
    ("Home", "Where the person lives"),
    ("Claim", "Used for claims"),
]
DEPARTMENTS = [("Linguistics", "LING"), ("Astronomy", "ASTR"), ("Law", "LAW")]
STAFF = [
    ("head", "Hanna", "Head"),
    ("desk", "Dana", "Desk"),
    ("annex", "Alex", "Annex"),
    ("nobody", "Noel", "Nobody"),
]

# Patrons are numbered from 0; barcode is 1000000001 + number. The first ones are special.
MANY_LOANS, MANUALLY_BLOCKED, AUTOMATICALLY_BLOCKED, EXPIRED, INACTIVE = 1, 2, 3, 4, 5
WITHOUT_BARCODE, SYSTEM, PROXY, SPONSOR, AT_THE_LIMIT, FORMER_PROXY = 6, 7, 8, 9, 10, 11
ORDINARY = 20  # from here on nobody is special


def barcode(number: int) -> str:
    return str(1000000001 + number)


def plant(planting: Planting) -> None:
    library = planting.library
    for name, desc, offset in GROUPS:
        group = {
            "id": planting.id("group", name),
            "group": name,
            "desc": desc,
            "expirationOffsetInDays": offset,
        }
        planting.shelve(library.groups, group | {"source": "System", "metadata": planting.metadata()})
    for name, desc in ADDRESS_TYPES:
        kind = {"id": planting.id("address-type", name), "addressType": name, "desc": desc}
        planting.shelve(library.address_types, kind | {"metadata": planting.metadata()})
    for name, code in DEPARTMENTS:
        department = {"id": planting.id("department", code), "name": name, "code": code, "usageNumber": 1}
        planting.shelve(library.departments, department | {"metadata": planting.metadata()})
    for number, (username, first, last) in enumerate(STAFF):
        planting.shelve(library.users, staff(planting, number, username, first, last))
    for number in range(HOW_MANY - len(STAFF)):
        planting.shelve(library.users, SPECIAL.get(number, patron)(planting, number))
    planting.shelve(library.users, complete(planting))
    plant_blocks(planting)
    plant_proxies(planting)


def staff(planting: Planting, number: int, username: str, first: str, last: str) -> Record:
    return {
        "id": planting.id("user", username),
        "username": username,
        "barcode": f"90000000{number + 1:02}",
        "active": True,
        "type": "staff",
        "patronGroup": planting.id("group", "staff"),
        "personal": {"firstName": first, "lastName": last, "email": f"{username}@library.example"},
        "expirationDate": planting.day(900),
        "metadata": planting.metadata(),
    }


def patron(planting: Planting, number: int) -> Record:
    first, last = words.FIRST[number % len(words.FIRST)], words.LAST[number * 7 % len(words.LAST)]
    group = ("undergrad", "graduate", "undergrad", "faculty")[number % 4]
    personal: Record = {
        "lastName": last,
        "firstName": first,
        "email": f"reader{number}@{planting.library.tenant}.example",
        "addresses": [address(planting, number, "Home", primary=True)],
        "preferredContactTypeId": f"00{1 + number % 5}",
    }
    if number % 6 == 0:
        personal["preferredFirstName"] = first[:3]
    if number % 3 == 2:
        personal |= {"middleName": words.MIDDLE[number % len(words.MIDDLE)], "phone": f"555-01{number:03}"}
    return {
        "id": planting.id("user", number),
        "username": f"reader{number}",
        "externalSystemId": f"{planting.library.tenant}-{number:05}",
        "barcode": barcode(number),
        "active": True,
        "type": "patron",
        "patronGroup": planting.id("group", group),
        "departments": [planting.id("department", "LING")] if number % 5 == 0 else [],
        "proxyFor": [],
        "personal": personal,
        "enrollmentDate": planting.day(-400),
        "expirationDate": planting.day(300 + number),
        "createdDate": planting.day(-400),
        "updatedDate": planting.day(-20),
        "metadata": planting.metadata(-400),
    }


def address(planting: Planting, number: int, kind: str, *, primary: bool) -> Record:
    city, region, postal_code, country = words.CITIES[number % len(words.CITIES)]
    return {
        "id": planting.id("address", f"{number}-{kind}"),
        "countryId": country,
        "addressLine1": f"{number + 1} {words.STREETS[number % len(words.STREETS)]}",
        "addressLine2": "2nd floor",
        "city": city,
        "region": region,
        "postalCode": postal_code,
        "addressTypeId": planting.id("address-type", kind),
        "primaryAddress": primary,
    }


def complete(planting: Planting) -> Record:
    """The first patron, whose record lacks nothing."""
    record = patron(planting, 0)
    record["departments"] = [planting.id("department", "LING"), planting.id("department", "ASTR")]
    record["personal"] |= {
        "preferredFirstName": "Addie",
        "middleName": "Anna",
        "phone": "555-01000",
        "mobilePhone": "555-02000",
        "dateOfBirth": "1994-12-10T00:00:00.000+00:00",
        "pronouns": "she/her",
        "profilePictureLink": "https://pictures.example/reader0.png",
        "addresses": [
            address(planting, 0, "Home", primary=True),
            address(planting, 0, "Campus", primary=False),
        ],
    }
    return record | {
        "meta": {"source": "registrar"},
        "proxyFor": [planting.id("user", SPONSOR)],
        "tags": {"tagList": ["vip", "reading-group"]},
        "customFields": {"studyField": "Astronomy", "consent": True, "languages": ["eng", "ger"]},
        "preferredEmailCommunication": ["Support", "Programs"],
    }


def expired(planting: Planting, number: int) -> Record:
    return patron(planting, number) | {"expirationDate": planting.day(-30)}


def inactive(planting: Planting, number: int) -> Record:
    return patron(planting, number) | {"active": False}


def without_barcode(planting: Planting, number: int) -> Record:
    record = patron(planting, number)
    del record["barcode"]
    return record


def system(planting: Planting, number: int) -> Record:
    return {"id": planting.id("user", number), "username": "mod-pubsub", "active": True, "type": "system"}


def visitor(planting: Planting, number: int) -> Record:
    return patron(planting, number) | {"patronGroup": planting.id("group", "visitor")}


SPECIAL = {
    EXPIRED: expired,
    INACTIVE: inactive,
    WITHOUT_BARCODE: without_barcode,
    SYSTEM: system,
    AT_THE_LIMIT: visitor,
}


def plant_blocks(planting: Planting) -> None:
    library = planting.library
    for key, text in (("lost-card", "Card reported lost"), ("address", "Address unknown")):
        planting.shelve(library.manual_blocks, manual_block(planting, key, text, MANUALLY_BLOCKED))
    over = manual_block(planting, "old", "Settled long ago", ORDINARY) | {"expirationDate": planting.day(-5)}
    planting.shelve(library.manual_blocks, over)
    for key, message in (
        ("overdue", "Patron has reached maximum allowed number of overdue items for their patron group"),
        ("fees", "Patron has reached maximum allowed outstanding fee/fine balance for their patron group"),
    ):
        block = {
            "id": planting.id("automated-block", key),
            "userId": planting.id("user", AUTOMATICALLY_BLOCKED),
            "patronBlockConditionId": planting.id("block-condition", key),
            "blockBorrowing": True,
            "blockRenewals": True,
            "blockRequests": key == "fees",
            "message": message,
        }
        planting.shelve(library.automated_blocks, block)


def manual_block(planting: Planting, key: str, text: str, number: int) -> Record:
    return {
        "id": planting.id("manual-block", key),
        "type": "Manual",
        "desc": text,
        "code": key.upper(),
        "staffInformation": "Ask for an identity card",
        "patronMessage": f"{text}. Please come to the desk.",
        "expirationDate": planting.day(90),
        "borrowing": True,
        "renewals": True,
        "requests": True,
        "userId": planting.id("user", number),
        "metadata": planting.metadata(-10),
    }


def plant_proxies(planting: Planting) -> None:
    for proxy, status in ((PROXY, "Active"), (FORMER_PROXY, "Inactive"), (0, "Active")):
        relation = {
            "id": planting.id("proxy", proxy),
            "userId": planting.id("user", SPONSOR),
            "proxyUserId": planting.id("user", proxy),
            "requestForSponsor": "Yes",
            "notificationsTo": "Proxy",
            "accrueTo": "Sponsor",
            "status": status,
            "expirationDate": planting.day(200),
            "createdDate": planting.day(-60),
            "metadata": planting.metadata(-60),
        }
        planting.shelve(planting.library.proxies, relation)
