"""Seeded notes on users and requests, and one on a package of electronic resources."""

from __future__ import annotations

from typing import NamedTuple

from gateway.sandbox.library import Record
from gateway.sandbox.seed import requests, users
from gateway.sandbox.seed.seeder import Seeder

GENERAL = "General note"  # the one that each library begins with (mod-notes, application.yaml)
LOST_CARD = "Card, lost or replaced"
TYPES = (GENERAL, LOST_CARD, "Fees", "Reading room")
UNUSED_TYPE = "Interlibrary loan"
ON_TWO_USERS = "Household"
POPS_UP_ON_CHECK_OUT = "Check the identity card"
POPS_UP_ON_USER = "Ask for the new address"


class SeededNote(NamedTuple):
    """A note, with the numbers of its users and of its request, and the days since its last change."""

    title: str
    type: str
    content: str
    users: tuple[int, ...] = ()
    days: int = 10
    pops_up_on_check_out: bool = False
    pops_up_on_user: bool = False
    request: int | None = None


NOTES = (
    SeededNote("Lost card", LOST_CARD, "<p>Reported on the phone, <strong>replaced</strong>.</p>", (0,), 30),
    SeededNote(ON_TWO_USERS, GENERAL, "<p>Picks up for the other one, too.</p>", (0, users.MANY_LOANS), 20),
    SeededNote(
        "Prefers large print",
        GENERAL,
        '<p>See <a href="https://library.example/large-print">the list</a>.</p>\n<p>100% of it.</p>',
        (0,),
        3,
    ),
    SeededNote(
        POPS_UP_ON_CHECK_OUT,
        LOST_CARD,
        "<p>The <em>old</em> card was stolen.</p>",
        (users.MANY_LOANS,),
        2,
        pops_up_on_check_out=True,
    ),
    SeededNote(
        POPS_UP_ON_USER,
        "Fees",
        "<ul><li>Letters return.</li><li>The phone number works.</li></ul>",
        (users.MANUALLY_BLOCKED,),
        8,
        pops_up_on_user=True,
    ),
    SeededNote("Desk 4", "Reading room", "", (users.EXPIRED,), 40, True, True),
    SeededNote(
        "Not on its shelf", GENERAL, "<p>Searched twice, order another copy.</p>", request=requests.COMPLETE
    ),
)


def add_notes(seeder: Seeder) -> None:
    library = seeder.library
    for name in (*TYPES, UNUSED_TYPE):
        seeder.add(library.note_types, {"id": type_id(seeder, name), "name": name} | stamped(seeder, 300))
    for each in NOTES:
        seeder.add(library.notes, note(seeder, each))
    package = {
        "id": seeder.id("note", "package"),
        "typeId": type_id(seeder, GENERAL),
        "title": "Trial until summer",
        "domain": "eholdings",
        "content": "<p>Renew it?</p>",
        "popUpOnCheckOut": False,
        "popUpOnUser": False,
        "links": [{"id": "18-2356521", "type": "package"}],
    }
    seeder.add(library.notes, package | stamped(seeder, 60))


def note(seeder: Seeder, seeded: SeededNote) -> Record:
    links = [{"id": seeder.id("user", number), "type": "user"} for number in seeded.users]
    if seeded.request is not None:
        links.append({"id": seeder.id("request", seeded.request), "type": "request"})
    return {
        "id": seeder.id("note", seeded.title),
        "typeId": type_id(seeder, seeded.type),
        "title": seeded.title,
        "domain": "requests" if seeded.request is not None else "users",
        **({"content": seeded.content} if seeded.content else {}),
        "popUpOnCheckOut": seeded.pops_up_on_check_out,
        "popUpOnUser": seeded.pops_up_on_user,
        "links": links,
        **stamped(seeder, seeded.days),
    }


def type_id(seeder: Seeder, name: str) -> str:
    return seeder.id("note-type", name)


def stamped(seeder: Seeder, days: int) -> Record:
    """Return the metadata as mod-notes stores it: without user names."""
    metadata = seeder.metadata(-2 * days, "desk")
    return {"metadata": {name: value for name, value in metadata.items() if not name.endswith("Username")}}
