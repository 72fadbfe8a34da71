"""Users, their groups, proxies and blocks."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import moment_of
from gateway.sandbox.exchange import Exchange, answer, without_nulls
from gateway.sandbox.library import Library, Record
from gateway.sandbox.shelf import METADATA, Shelf, indexes

USERS = Shelf(
    key="users",
    records=lambda library: library.users,
    indexes=indexes(
        "id username externalSystemId barcode active type patronGroup patronGroup.group patronGroup.desc "
        "departments proxyFor enrollmentDate expirationDate createdDate updatedDate tags tags.tagList "
        "customFields.* personal.* preferredEmailCommunication keywords metadata.*"
    ),
    joined={
        "patronGroup.group": lambda library, user: group_of(library, user).get("group"),
        "patronGroup.desc": lambda library, user: group_of(library, user).get("desc"),
        "keywords": lambda library, user: keywords(user),
    },
)
GROUPS = Shelf(
    key="usergroups",
    records=lambda library: library.groups,
    indexes=indexes(f"id group desc expirationOffsetInDays source {METADATA}"),
)
PROXIES = Shelf(
    key="proxiesFor",
    records=lambda library: library.proxies,
    indexes=indexes(
        "id userId proxyUserId requestForSponsor notificationsTo accrueTo status expirationDate createdDate "
        "metadata.*"
    ),
)
MANUAL_BLOCKS = Shelf(
    key="manualblocks",
    records=lambda library: library.manual_blocks,
    indexes=indexes(
        "id userId type desc code staffInformation patronMessage expirationDate borrowing renewals requests "
        "metadata.*"
    ),
)
ADDRESS_TYPES = Shelf(
    key="addressTypes",
    records=lambda library: library.address_types,
    indexes=indexes("id addressType desc metadata.*"),
)
DEPARTMENTS = Shelf(
    key="departments",
    records=lambda library: library.departments,
    indexes=indexes("id name code usageNumber metadata.*"),
)


def automated_blocks(exchange: Exchange) -> Response:
    """GET of one user's automated blocks; an unknown user simply has none."""
    user_id = exchange.uuid("user_id")
    blocks = [shown_block(block) for block in automated_blocks_of(exchange.library, user_id)]
    return answer({"automatedPatronBlocks": blocks, "totalRecords": len(blocks)})


def shown_block(block: Record) -> Record:
    return {key: value for key, value in block.items() if key not in ("id", "userId")}


def automated_blocks_of(library: Library, user_id: str) -> list[Record]:
    return [block for block in library.automated_blocks.values() if block["userId"] == user_id]


def manual_blocks_of(library: Library, user_id: str) -> list[Record]:
    """The blocks of a user that have not run out."""
    now = library.clock.now()
    blocks = (block for block in library.manual_blocks.values() if block["userId"] == user_id)
    return [
        block for block in blocks if "expirationDate" not in block or moment_of(block["expirationDate"]) > now
    ]


def group_of(library: Library, user: Record) -> Record:
    return library.groups.get(user.get("patronGroup", ""), {})


def keywords(user: Record) -> str:
    personal = user.get("personal", {})
    values = (
        personal.get("firstName"),
        personal.get("lastName"),
        personal.get("email"),
        user.get("username"),
    )
    return " ".join(value for value in values if value)


def is_active(library: Library, user: Record) -> bool:
    """Whether the library serves this person; a date in the past ends it whatever the flag says."""
    expires = user.get("expirationDate")
    if expires and moment_of(expires) <= library.clock.now():
        return False
    return bool(user.get("active"))


def acts_for(library: Library, proxy: Record, sponsor: Record) -> bool:
    now = library.clock.now()
    return any(
        relation["userId"] == sponsor["id"]
        and relation["proxyUserId"] == proxy["id"]
        and relation.get("status", "Active") == "Active"
        and ("expirationDate" not in relation or moment_of(relation["expirationDate"]) > now)
        for relation in library.proxies.values()
    )


def names_of(user: Record) -> Record:
    """The summary of a person that loans and requests embed."""
    personal = user.get("personal", {})
    return without_nulls(
        {
            "firstName": personal.get("firstName"),
            "lastName": personal.get("lastName"),
            "middleName": personal.get("middleName"),
            "barcode": user.get("barcode"),
        }
    )
