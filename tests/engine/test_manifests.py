"""Manifests in the formats of front-end tools, and their validation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.engine.manifests import ManifestError, TrustedDocument, TrustedDocuments, read_manifests

LOANS, TITLE = "query Loans { loans { nodes { id } } }", "query Title { title }"


def written(folder: Path, content: Any, name: str = "manifest.json") -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def apollo(*operations: dict[str, str]) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": list(operations)}


FORMS = {
    "graphql-codegen": {"1f40fc92da241694750979ee6cf582f2d5d7d28e": LOANS},
    "graphql-codegen with a prefix": {"sha256:1f40fc92da241694750979ee6cf582f2d5d7d28e": LOANS},
    "Relay": {"1f40fc92da241694750979ee6cf582f2d5d7d28e": LOANS},
    "Apollo": apollo(
        {
            "id": "1f40fc92da241694750979ee6cf582f2d5d7d28e",
            "name": "Loans",
            "type": "query",
            "body": LOANS,
        }
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    """Each format is read, and its ids are unchanged for any hash function."""
    file = written(tmp_path, FORMS[form])

    result = read_manifests(file)

    assert result == [TrustedDocument(id="1f40fc92da241694750979ee6cf582f2d5d7d28e", text=LOANS)]


def test_ids() -> None:
    """A document is found by the manifest's id and by its SHA-256, each with and without the prefix."""
    trusted = TrustedDocuments([TrustedDocument(id="a1", text="{ title }")])
    sha256 = "b749e55931124c1b730009ce9d82c933809fdd008b4f7f0b8d8e68d9217a6670"  # output of sha256sum

    for known in ("a1", "sha256:a1", sha256, f"sha256:{sha256}"):
        assert trusted.text(known) == "{ title }"
    for unknown in ("a2", "x-a1", sha256[:-1], ""):
        assert trusted.text(unknown) is None
    assert "{ title }" in trusted
    assert "{title}" not in trusted


def test_hashes_in_upper_case() -> None:
    """A manifest may have its hashes in upper case; one hash in two cases is one id."""
    relay = "1F40FC92DA241694750979EE6CF582F2"
    trusted = TrustedDocuments([TrustedDocument(id=relay, text=TITLE)])

    assert trusted.text(relay) == trusted.text(relay.lower()) == TITLE
    with pytest.raises(ManifestError, match="has two documents"):
        TrustedDocuments(
            [TrustedDocument(id=relay, text=TITLE), TrustedDocument(id=relay.lower(), text=LOANS)]
        )


def test_a_pipe_in_a_folder_is_rejected(tmp_path: Path) -> None:
    """A folder of manifests with a named pipe is rejected without waiting for it."""
    os.mkfifo(tmp_path / "pipe.json")

    with pytest.raises(ManifestError, match=r"pipe\.json: is not a regular file$"):
        read_manifests(tmp_path)


def test_a_folder(tmp_path: Path) -> None:
    """All manifests of a folder are read, in any format; other files are not."""
    written(tmp_path, {"a": LOANS}, "desk.json")
    written(tmp_path, apollo({"id": "b", "body": TITLE}), "kiosk.json")
    written(tmp_path, "no manifest", "README.md")

    assert [each.id for each in read_manifests(tmp_path)] == ["a", "b"]


BROKEN: list[tuple[Any, str]] = [
    ("{", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ([LOANS], "is neither an object of texts by id"),
    ({"a": 1}, "is neither an object of texts by id"),
    (apollo({"id": "a"}), "is neither an object of texts by id"),
    ({**apollo(), "version": 2}, "is neither an object of texts by id"),
    ({**apollo(), "format": "another"}, "is neither an object of texts by id"),
    ({"": LOANS}, "'' is not a valid id"),
    ({"a b": LOANS}, "'a b' is not a valid id"),
    ({"a" * 257: LOANS}, "is not a valid id"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_broken_manifests(content: Any, message: str, tmp_path: Path) -> None:
    """A manifest that cannot be read is refused with its file and the reason, and never read in part."""
    file = written(tmp_path, content)

    with pytest.raises(ManifestError) as refused:
        read_manifests(file)

    assert str(refused.value).startswith(f"{file}: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le with mark"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    """A manifest may start with a byte order mark, and may be in UTF-16 with one."""
    file = tmp_path / "manifest.json"
    text = '{"a": "query Überfällig { title }"}'
    if encoding == "utf-16-le with mark":
        file.write_bytes(b"\xff\xfe" + text.encode("utf-16-le"))
    else:
        file.write_text(text, encoding=encoding)

    (document,) = read_manifests(file)

    assert (document.id, document.text) == ("a", "query Überfällig { title }")


def test_other_encodings(tmp_path: Path) -> None:
    """Bytes in another encoding are refused."""
    file = tmp_path / "manifest.json"
    file.write_bytes(b'{"a":"\xff"}')

    with pytest.raises(ManifestError, match="must be in UTF-8, or in UTF-16"):
        read_manifests(file)


def test_no_manifest(tmp_path: Path) -> None:
    """A folder without a manifest and a missing file are reported."""
    with pytest.raises(ManifestError, match="has no manifest"):
        read_manifests(tmp_path)
    with pytest.raises(ManifestError, match="cannot be read: No such file or directory"):
        read_manifests(tmp_path / "gone.json")


def test_one_id_for_two_documents() -> None:
    """Two manifests may share a document, and may not give one id to two."""
    shared = TrustedDocument(id="a", text=LOANS)
    assert len(TrustedDocuments([shared, shared])) == 2

    with pytest.raises(ManifestError, match="id a has two documents"):
        TrustedDocuments([shared, TrustedDocument(id="a", text=TITLE)])
