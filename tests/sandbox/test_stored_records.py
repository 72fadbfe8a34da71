"""Stored records: a recording has what they were before a write, and copies no others than it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import httpx
import pytest

from gateway.sandbox import Library, create_sandbox
from gateway.sandbox.library import Record, RecordsById
from gateway.sandbox.metadata import COLLECTIONS
from gateway.sandbox.stored_records import Difference, StoredRecord, recorded_changes, stored

pytestmark = pytest.mark.anyio


def library_of(**users: Record) -> Library:
    """Return a library with these users, whose names are their ids."""
    return Library(tenant="diku", users=stored({key: {"id": key, **user} for key, user in users.items()}))


def add_members(user: Record) -> None:
    user |= {"active": True}


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.__setitem__("active", True),
        lambda user: user.__delitem__("barcode"),
        add_members,
        lambda user: user.update(active=True),
        lambda user: user.update({"active": True}),
        lambda user: user.setdefault("active", True),
        lambda user: user.pop("barcode"),
        lambda user: user.popitem(),
        lambda user: user.clear(),
    ],
)
def test_every_way_to_change_a_record_is_recorded(change: Callable[[Record], object]) -> None:
    """The difference has the record before its first change, and the record itself; others are not copied."""
    library = library_of(a={"barcode": "1"}, b={"barcode": "2"})
    user = library.users["a"]
    with recorded_changes(library, ["users"]) as changes:
        change(user)
        user["note"] = "A second change."
        assert [*changes.former.values()] == [{"id": "a", "barcode": "1"}]
        (difference,) = changes.differences("users")

    assert difference.old == {"id": "a", "barcode": "1"}
    assert difference.new is user


def test_reads_and_changes_without_effect_are_no_differences() -> None:
    """A record that has the same members at the end has not changed; a read does not even copy it."""
    library = library_of(a={"barcode": "1"}, b={"barcode": "2"})
    with recorded_changes(library, ["users"]) as changes:
        library.users["a"]["barcode"] = "3"
        library.users["a"]["barcode"] = "1"
        assert (library.users["b"] | {"barcode": "4"}).pop("barcode") == "4"
        assert [each["id"] for each in changes.former.values()] == ["a"]
        assert changes.differences("users") == []


def test_created_replaced_and_deleted_records_are_recorded() -> None:
    """New records have no former ones, deleted ones are at the end, changed or not."""
    library = library_of(a={}, b={}, c={"barcode": "3"})
    replaced, created = {"id": "a", "active": True}, {"id": "d"}
    with recorded_changes(library, ["users"]) as changes:
        library.users["a"]["barcode"] = "1"
        library.users["a"] = replaced
        del library.users["b"]
        library.users["c"]["active"] = True
        del library.users["c"]
        library.users["d"] = created
        differences = changes.differences("users")

    assert differences == [
        Difference({"id": "a"}, replaced),
        Difference(None, created),
        Difference({"id": "b"}, None),
        Difference({"id": "c", "barcode": "3"}, None),
    ]


def test_a_new_record_is_stored_after_the_write() -> None:
    """It stays the object that was created while it is written; later its changes are recorded."""
    library, created = library_of(), {"id": "a"}
    with recorded_changes(library, ["users"]):
        library.users["a"] = created
        with recorded_changes(library, ["users"]):
            pass
        assert library.users["a"] is created
    with recorded_changes(library, ["users"]) as changes:
        library.users["a"]["active"] = True

        assert type(library.users["a"]) is StoredRecord
        assert changes.differences("users") == [Difference({"id": "a"}, {"id": "a", "active": True})]


def test_a_recording_in_another_one_has_its_own_changes() -> None:
    """The outer one has all of them; what changes after its end is not recorded."""
    library = library_of(a={}, b={}, c={})
    with recorded_changes(library, ["users"]) as outer:
        library.users["a"]["active"] = True
        with recorded_changes(library, ["users"]) as inner:
            library.users["b"]["active"] = True
            library.users["b"]["barcode"] = "2"
            assert [each.key for each in inner.differences("users")] == ["b"]
        assert [each.old for each in outer.differences("users")] == [{"id": "a"}, {"id": "b"}]

    library.users["c"]["active"] = True
    assert [*outer.former.values()] == [{"id": "a"}, {"id": "b"}]


def test_changes_of_a_plain_record_are_recorded() -> None:
    """A record that was put into a collection directly stays the object that it is."""
    library, plain = library_of(a={}), {"id": "b"}
    library.users["b"] = plain
    with recorded_changes(library, ["users"]) as changes:
        plain["barcode"] = "2"
        assert changes.differences("users") == [Difference({"id": "b"}, plain)]

    assert library.users["b"] is plain


def test_a_deep_copy_is_a_plain_record() -> None:
    """It shares nothing with the stored record."""
    record = StoredRecord({"id": "a", "status": {"name": "Open"}})
    copied = deepcopy(record)

    assert type(copied) is dict
    assert copied == record
    assert copied["status"] is not record["status"]


def test_all_records_of_a_library_are_stored(tmp_path: Path) -> None:
    """Those of the seed and of a folder: a plain one would be copied at each write."""
    (tmp_path / "users.json").write_text(json.dumps([{"id": "3684a786-6671-4268-8ed0-9db82ebca60b"}]))
    folder = create_sandbox(tmp_path).library("diku")
    seeded = create_sandbox().library("diku")

    assert [type(each) for each in folder.users.values()] == [StoredRecord]
    for name in ("users", *COLLECTIONS):
        records: RecordsById = getattr(seeded, name)
        assert {type(each) for each in records.values()} == {StoredRecord}


async def test_all_records_are_stored_after_writes(client: httpx.AsyncClient, library: Library) -> None:
    """A loan that was created is stored as those of the seed are."""
    lent = {
        "itemBarcode": "2000000001",
        "userBarcode": "1000000001",
        "servicePointId": next(iter(library.service_points)),
    }
    before = set(library.loans)
    response = await client.post("/circulation/check-out-by-barcode", json=lent)

    assert response.status_code == 201
    (created,) = library.loans.keys() - before
    assert type(library.loans[created]) is StoredRecord
