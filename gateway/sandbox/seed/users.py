"""Seeded users: staff, patrons, special cases, their groups, blocks and proxies."""

from __future__ import annotations

from gateway.sandbox.library import Record
from gateway.sandbox.seed.names_and_titles import CITIES, FIRST_NAMES, LAST_NAMES, MIDDLE_NAMES, STREETS
from gateway.sandbox.seed.seeder import Seeder

USER_COUNT = 300
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
FIRST_ORDINARY = 20  # patrons from here on are ordinary


def barcode(number: int) -> str:
    return str(1000000001 + number)


def add_users(seeder: Seeder) -> None:
    library = seeder.library
    for name, desc, offset in GROUPS:
        group = {
            "id": seeder.id("group", name),
            "group": name,
            "desc": desc,
            "expirationOffsetInDays": offset,
        }
        seeder.add(library.groups, group | {"source": "System", "metadata": seeder.metadata()})
    for name, desc in ADDRESS_TYPES:
        kind = {"id": seeder.id("address-type", name), "addressType": name, "desc": desc}
        seeder.add(library.address_types, kind | {"metadata": seeder.metadata()})
    for name, code in DEPARTMENTS:
        department = {"id": seeder.id("department", code), "name": name, "code": code, "usageNumber": 1}
        seeder.add(library.departments, department | {"metadata": seeder.metadata()})
    for number, (username, first, last) in enumerate(STAFF):
        seeder.add(library.users, staff_user(seeder, number, username, first, last))
    for number in range(USER_COUNT - len(STAFF)):
        seeder.add(library.users, SPECIAL_PATRONS.get(number, patron)(seeder, number))
    seeder.add(library.users, complete_patron(seeder))
    add_blocks(seeder)
    add_proxies(seeder)


def staff_user(seeder: Seeder, number: int, username: str, first: str, last: str) -> Record:
    return {
        "id": seeder.id("user", username),
        "username": username,
        "barcode": f"90000000{number + 1:02}",
        "active": True,
        "type": "staff",
        "patronGroup": seeder.id("group", "staff"),
        "personal": {"firstName": first, "lastName": last, "email": f"{username}@library.example"},
        "expirationDate": seeder.day(900),
        "metadata": seeder.metadata(),
    }


def patron(seeder: Seeder, number: int) -> Record:
    first, last = (
        FIRST_NAMES[number % len(FIRST_NAMES)],
        LAST_NAMES[number * 7 % len(LAST_NAMES)],
    )
    group = ("undergrad", "graduate", "undergrad", "faculty")[number % 4]
    personal: Record = {
        "lastName": last,
        "firstName": first,
        "email": f"reader{number}@{seeder.library.tenant}.example",
        "addresses": [address(seeder, number, "Home", primary=True)],
        "preferredContactTypeId": f"00{1 + number % 5}",
    }
    if number % 6 == 0:
        personal["preferredFirstName"] = first[:3]
    if number % 3 == 2:
        personal |= {
            "middleName": MIDDLE_NAMES[number % len(MIDDLE_NAMES)],
            "phone": f"555-01{number:03}",
        }
    return {
        "id": seeder.id("user", number),
        "username": f"reader{number}",
        "externalSystemId": f"{seeder.library.tenant}-{number:05}",
        "barcode": barcode(number),
        "active": True,
        "type": "patron",
        "patronGroup": seeder.id("group", group),
        "departments": [seeder.id("department", "LING")] if number % 5 == 0 else [],
        "proxyFor": [],
        "personal": personal,
        "enrollmentDate": seeder.day(-400),
        "expirationDate": seeder.day(300 + number),
        "createdDate": seeder.day(-400),
        "updatedDate": seeder.day(-20),
        "metadata": seeder.metadata(-400),
    }


def address(seeder: Seeder, number: int, kind: str, *, primary: bool) -> Record:
    city, region, postal_code, country = CITIES[number % len(CITIES)]
    return {
        "id": seeder.id("address", f"{number}-{kind}"),
        "countryId": country,
        "addressLine1": f"{number + 1} {STREETS[number % len(STREETS)]}",
        "addressLine2": "2nd floor",
        "city": city,
        "region": region,
        "postalCode": postal_code,
        "addressTypeId": seeder.id("address-type", kind),
        "primaryAddress": primary,
    }


def complete_patron(seeder: Seeder) -> Record:
    """Build the first patron, whose record has every field."""
    record = patron(seeder, 0)
    record["departments"] = [seeder.id("department", "LING"), seeder.id("department", "ASTR")]
    record["personal"] |= {
        "preferredFirstName": "Addie",
        "middleName": "Anna",
        "phone": "555-01000",
        "mobilePhone": "555-02000",
        "dateOfBirth": "1994-12-10T00:00:00.000+00:00",
        "pronouns": "she/her",
        "profilePictureLink": "https://pictures.example/reader0.png",
        "addresses": [
            address(seeder, 0, "Home", primary=True),
            address(seeder, 0, "Campus", primary=False),
        ],
    }
    return record | {
        "meta": {"source": "registrar"},
        "proxyFor": [seeder.id("user", SPONSOR)],
        "tags": {"tagList": ["vip", "reading-group"]},
        "customFields": {"studyField": "Astronomy", "consent": True, "languages": ["eng", "ger"]},
        "preferredEmailCommunication": ["Support", "Programs"],
    }


def expired_patron(seeder: Seeder, number: int) -> Record:
    return patron(seeder, number) | {"expirationDate": seeder.day(-30)}


def inactive_patron(seeder: Seeder, number: int) -> Record:
    return patron(seeder, number) | {"active": False}


def patron_without_barcode(seeder: Seeder, number: int) -> Record:
    record = patron(seeder, number)
    del record["barcode"]
    return record


def system_user(seeder: Seeder, number: int) -> Record:
    return {"id": seeder.id("user", number), "username": "mod-pubsub", "active": True, "type": "system"}


def visiting_patron(seeder: Seeder, number: int) -> Record:
    return patron(seeder, number) | {"patronGroup": seeder.id("group", "visitor")}


SPECIAL_PATRONS = {
    EXPIRED: expired_patron,
    INACTIVE: inactive_patron,
    WITHOUT_BARCODE: patron_without_barcode,
    SYSTEM: system_user,
    AT_THE_LIMIT: visiting_patron,
}


def add_blocks(seeder: Seeder) -> None:
    library = seeder.library
    for key, text in (("lost-card", "Card reported lost"), ("address", "Address unknown")):
        seeder.add(library.manual_blocks, manual_block(seeder, key, text, MANUALLY_BLOCKED))
    expired_block = manual_block(seeder, "old", "Settled long ago", FIRST_ORDINARY) | {
        "expirationDate": seeder.day(-5)
    }
    seeder.add(library.manual_blocks, expired_block)
    for key, message in (
        ("overdue", "Patron has reached maximum allowed number of overdue items for their patron group"),
        ("fees", "Patron has reached maximum allowed outstanding fee/fine balance for their patron group"),
    ):
        block = {
            "id": seeder.id("automated-block", key),
            "userId": seeder.id("user", AUTOMATICALLY_BLOCKED),
            "patronBlockConditionId": seeder.id("block-condition", key),
            "blockBorrowing": True,
            "blockRenewals": True,
            "blockRequests": key == "fees",
            "message": message,
        }
        seeder.add(library.automated_blocks, block)


def manual_block(seeder: Seeder, key: str, text: str, number: int) -> Record:
    return {
        "id": seeder.id("manual-block", key),
        "type": "Manual",
        "desc": text,
        "code": key.upper(),
        "staffInformation": "Ask for an identity card",
        "patronMessage": f"{text}. Please come to the desk.",
        "expirationDate": seeder.day(90),
        "borrowing": True,
        "renewals": True,
        "requests": True,
        "userId": seeder.id("user", number),
        "metadata": seeder.metadata(-10),
    }


def add_proxies(seeder: Seeder) -> None:
    for proxy, status in ((PROXY, "Active"), (FORMER_PROXY, "Inactive"), (0, "Active")):
        relation = {
            "id": seeder.id("proxy", proxy),
            "userId": seeder.id("user", SPONSOR),
            "proxyUserId": seeder.id("user", proxy),
            "requestForSponsor": "Yes",
            "notificationsTo": "Proxy",
            "accrueTo": "Sponsor",
            "status": status,
            "expirationDate": seeder.day(200),
            "createdDate": seeder.day(-60),
            "metadata": seeder.metadata(-60),
        }
        seeder.add(seeder.library.proxies, relation)
