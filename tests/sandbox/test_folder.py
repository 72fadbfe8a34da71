"""A library from files: valid and invalid folders, and a desk that works with real records."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import httpx
import pytest

from gateway.sandbox import Sandbox, create_sandbox

pytestmark = pytest.mark.anyio

SAMPLE = Path(__file__).parents[3] / "shared" / "folio-sample"
needs_sample = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample records are not available")
NOW = "2026-01-02T03:04:05Z"


def write(folder: Path, name: str, document: object) -> Path:
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=sandbox)
    return httpx.AsyncClient(
        transport=transport, base_url="http://sandbox", headers={"X-Okapi-Tenant": "diku"}
    )


async def test_missing_files_are_empty_collections(tmp_path: Path) -> None:
    """One file is enough; nulls in it are absent fields; the other tenant keeps its seed."""
    group = {"id": "3684A786-6671-4268-8ed0-9db82ebca60b", "group": "staff", "desc": None}
    sandbox = create_sandbox(write(tmp_path, "groups.json", [group]))

    async with client_of(sandbox) as client:
        groups = (await client.get("/groups")).json()
        users = (await client.get("/users")).json()
        one = await client.get(f"/groups/{group['id']}")
    assert groups == {"usergroups": [{"id": group["id"], "group": "staff"}], "totalRecords": 1}
    assert users == {"users": [], "totalRecords": 0}
    assert one.status_code == 200
    assert len(sandbox.library("college").users) == 300
    assert sandbox.summary("diku").patron_barcode is None


async def test_location_units_are_distinguished(tmp_path: Path) -> None:
    """Institutions have no parent, campuses and libraries have one."""
    units = [{"id": "a"}, {"id": "b", "institutionId": "a"}, {"id": "c", "campusId": "b"}]
    library = create_sandbox(write(tmp_path, "location-units.json", units)).library("diku")

    assert [list(each) for each in (library.institutions, library.campuses, library.libraries)] == [
        ["a"],
        ["b"],
        ["c"],
    ]


async def test_files_of_related_records(tmp_path: Path) -> None:
    """Accounts, settings and policies are loaded as well; a loan without history starts at its loan date."""
    loan = {"id": "b", "itemId": "c", "status": {"name": "Open"}, "loanDate": NOW}
    account = {"id": "d", "loanId": "b", "remaining": 2.5, "status": {"name": "Open"}}
    write(tmp_path, "loans.json", [loan])
    write(tmp_path, "accounts.json", [account])
    write(tmp_path, "circulation-settings.json", [{"id": "e", "name": "ecsTlrFeature", "value": {}}])
    write(tmp_path, "lost-item-policies.json", [{"id": "f", "name": "Lost"}])

    async with client_of(create_sandbox(tmp_path)) as client:
        (entry,) = (await client.get("/loan-storage/loan-history")).json()["loansHistory"]
        (view,) = (await client.get("/circulation/loans")).json()["loans"]
        settings = (await client.get("/circulation/settings")).json()["totalRecords"]
        policies = (await client.get("/lost-item-fees-policies")).json()["totalRecords"]
    assert (entry["operation"], entry["createdDate"], entry["loan"]) == ("I", NOW, loan)
    assert view["feesAndFines"] == {"amountRemainingToPay": 2.5}
    assert (settings, policies) == (1, 1)


async def test_folder_with_loan_history(tmp_path: Path) -> None:
    """Its history is loaded, and nothing is added to it."""
    loan = {"id": "b", "itemId": "c", "status": {"name": "Open"}, "loanDate": NOW}
    entry = {"id": "h", "createdDate": NOW, "operation": "U", "loan": loan}
    write(tmp_path, "loans.json", [loan])
    write(tmp_path, "loan-history.json", [entry])

    assert list(create_sandbox(tmp_path).library("diku").loan_history.values()) == [entry]


def test_folder_without_records(tmp_path: Path) -> None:
    """The error names the folder."""
    write(tmp_path, "other.json", [])
    with pytest.raises(ValueError, match=str(tmp_path)):
        create_sandbox(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 3 (char 2)"),
        ('[{"id": "a", "x": NaN}]', "not JSON: NaN is not a JSON value"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ("{}", "not a JSON array of records"),
        ("null", "not a JSON array of records"),
        ("[1]", "record number 1 is not a JSON object"),
        ("[{}]", "record number 1 lacks id"),
        (
            '[{"id": "a", "itemId": "b", "status": {"name": "Open"}}, {"id": null}]',
            "record number 2 lacks id",
        ),
        ('[{"id": 5}]', "record number 1 has an invalid id"),
        ('[{"id": "two\\nlines"}]', "record number 1 has an invalid id"),
        ('[{"id": ""}]', "record number 1 has an invalid id"),
        ('[{"id": "x"}]', "record x lacks itemId, status"),
        ('[{"id": "x", "itemId": [], "status": {}}]', "record x has an invalid itemId"),
        ('[{"id": "x", "itemId": "y", "status": "Open"}]', "record x has an invalid status"),
        ('[{"id": "x", "itemId": "y", "status": {}}]', "record x lacks status.name"),
        (
            '[{"id": "x", "itemId": "y", "status": {"name": "Open"}, "metadata": 1}]',
            "record x has an invalid metadata",
        ),
    ],
)
def test_invalid_file(tmp_path: Path, text: str, complaint: str) -> None:
    """The error names the file, the record and the problem, in one line."""
    file = tmp_path / "loans.json"
    file.write_text(text, encoding="utf-8")

    assert failure(tmp_path) == f"{file}: {complaint}"


def failure(folder: Path) -> str:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the caller compares the complete message
        create_sandbox(folder)
    return str(raised.value)


def test_file_of_another_encoding(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are an error; a byte order mark is skipped, and UTF-16 is read."""
    file = tmp_path / "groups.json"
    file.write_bytes(b'[{"id": "\xff"}]')
    assert failure(tmp_path).startswith(f"{file}: not JSON: 'utf-8' codec can't decode byte 0xff")

    for encoding in ("utf-8-sig", "utf-16"):
        file.write_text('[{"id": "a"}]', encoding=encoding)
        assert list(create_sandbox(tmp_path).library("diku").groups) == ["a"]


def test_entry_that_is_no_file(tmp_path: Path) -> None:
    """A pipe, a folder and a broken link are errors, and nothing waits for a pipe."""
    entry = tmp_path / "users.json"
    os.mkfifo(entry)
    assert failure(tmp_path) == f"{entry}: not a regular file"
    entry.unlink()
    entry.mkdir()
    assert failure(tmp_path) == f"{entry}: not a regular file"
    entry.rmdir()
    entry.symlink_to(tmp_path / "nowhere")
    assert failure(tmp_path) == f"{entry}: not a regular file"


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is named with the reason."""
    write(tmp_path, "users.json", [])

    def refuse(file: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # root, as in containers, may read everything

    assert failure(tmp_path) == f"{tmp_path / 'users.json'}: cannot be read: Permission denied"


def test_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """A path that is no folder is named with the reason."""
    write(tmp_path, "users.json", [])

    assert failure(tmp_path / "none") == f"{tmp_path / 'none'}: cannot be read: No such file or directory"
    assert failure(tmp_path / "users.json") == f"{tmp_path / 'users.json'}: cannot be read: Not a directory"


def test_staff_without_a_user_name(tmp_path: Path) -> None:
    """A staff member without a user name has no token, and the library is served."""
    sandbox = create_sandbox(write(tmp_path, "users.json", [{"id": "a", "type": "staff"}]))

    assert sandbox.summary("diku").counts["users"] == 1


@needs_sample
async def test_every_collection_of_the_sample_is_served() -> None:
    """Real records pass through every view."""
    paths = {
        "/users": 303,
        "/groups": 5,
        "/service-points": 4,
        "/locations": 6,
        "/location-units/institutions": 1,
        "/location-units/campuses": 2,
        "/location-units/libraries": 2,
        "/inventory/instances": 29,
        "/inventory/items": 17,
        "/item-storage/items": 17,
        "/holdings-storage/holdings": 12,
        "/circulation/loans": 5,
        "/circulation-bff/loans": 5,
        "/circulation-bff/requests": 0,
        "/loan-policy-storage/loan-policies": 2,
        "/material-types": 8,
        "/loan-types": 4,
        "/cancellation-reason-storage/cancellation-reasons": 4,
        "/staff-slips-storage/staff-slips": 4,
    }
    async with client_of(create_sandbox(SAMPLE)) as client:
        for path, count in paths.items():
            response = await client.get(path, params={"query": "cql.allRecords=1 sortby id", "limit": "1000"})
            assert response.json()["totalRecords"] == count, path


@needs_sample
async def test_sample_has_one_institution_with_its_units() -> None:
    """Every location of the sample has a library, a campus and an institution."""
    library = create_sandbox(SAMPLE).library("diku")
    for location in library.locations.values():
        assert location["libraryId"] in library.libraries
        assert location["campusId"] in library.campuses
        assert location["institutionId"] in library.institutions


@needs_sample
async def test_desk_with_the_sample() -> None:
    """A sample patron borrows a sample item and returns it; the first loanable policy applies."""
    sandbox = create_sandbox(SAMPLE)
    circ_desk = sandbox.summary("diku").service_point_id
    lend = {"itemBarcode": "653285216743", "userBarcode": "456", "servicePointId": circ_desk, "loanDate": NOW}
    take = {"itemBarcode": "653285216743", "servicePointId": circ_desk, "checkInDate": NOW}
    async with client_of(sandbox) as client:
        lent = await client.post("/circulation-bff/loans/check-out-by-barcode", json=lend)
        taken = await client.post("/circulation-bff/loans/check-in-by-barcode", json=take)
        expired = await client.post(
            "/circulation-bff/loans/check-out-by-barcode", json=lend | {"userBarcode": "344058867767195"}
        )

    assert lent.status_code == 200
    assert lent.json()["loanPolicy"] == {"name": "One Hour"}
    assert lent.json()["dueDate"] == "2026-01-02T04:04:05.000+00:00"
    assert taken.json()["loan"]["status"] == {"name": "Closed"}
    assert expired.json()["errors"][0]["message"] == "Cannot check out to inactive user"


@needs_sample
def test_summary_of_the_sample() -> None:
    """The startup message shows the first usable patron and item of the files."""
    summary = create_sandbox(SAMPLE).summary("diku")
    assert (summary.patron_barcode, summary.item_barcode) == ("123", "A14811392695")
    assert summary.counts["users"] == 303
