"""Trusted documents: what the builds of front ends say that they are going to ask, and by which id.

Three forms are read. graphql-codegen's client preset and Relay's compiler write one object of texts by their
hash, of whatever kind. Apollo's generator writes a list of operations, each with its id and its body.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

APOLLO_FORMAT = "apollo-persisted-query-manifest"
SHA256 = "sha256:"  # the prefix that GraphQL over HTTP has for this kind of id

_LONGEST_ID = 256


class ManifestError(Exception):
    """A manifest that cannot be read, fit to be shown to the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocument:
    """One text of a manifest, and the id that clients name it by."""

    id: str
    text: str


class TrustedDocuments:
    """The documents of one or more manifests, by id, by SHA-256 and by text."""

    def __init__(self, documents: Iterable[TrustedDocument]) -> None:
        """Raises `ManifestError` where one id names two texts."""
        self._documents = list(documents)
        self._texts: dict[str, str] = {}
        for each in self._documents:
            if self._texts.setdefault(each.id, each.text) != each.text:
                raise ManifestError(f"id {each.id} stands for two documents")
        # Clients of automatic persisted queries know the hash of a text, whatever the manifest calls it.
        for each in self._documents:
            self._texts.setdefault(hashlib.sha256(each.text.encode()).hexdigest(), each.text)
        self._known = frozenset(self._texts.values())

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[TrustedDocument]:
        return iter(self._documents)

    def __contains__(self, text: str) -> bool:
        return text in self._known

    def text(self, document_id: str) -> str | None:
        """The text that an id stands for, None where no manifest has it."""
        return self._texts.get(document_id.removeprefix(SHA256))


class _ApolloOperation(msgspec.Struct, frozen=True):
    id: str
    body: str


class _ApolloManifest(msgspec.Struct, frozen=True):
    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[_ApolloOperation]


def read_manifests(path: Path) -> list[TrustedDocument]:
    """The documents of a manifest, or of all `*.json` in a folder. Raises `ManifestError`."""
    if not path.is_dir():
        return list(_documents_in(path))
    files = sorted(path.glob("*.json"))
    if not files:
        raise ManifestError(f"{path}: has no manifest (*.json)")
    return [each for file in files for each in _documents_in(file)]


def _documents_in(file: Path) -> Iterator[TrustedDocument]:
    try:
        raw = file.read_bytes().decode()
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{file}: is not UTF-8") from error
    try:
        for document_id, text in _pairs(raw):
            plain = document_id.removeprefix(SHA256)
            if not re.fullmatch(r"[\x21-\x7e]+", plain) or len(plain) > _LONGEST_ID:
                raise ManifestError(f"{file}: {document_id!r} is no id of a document")
            yield TrustedDocument(id=plain, text=text)
    except msgspec.ValidationError as error:
        forms = f"an object of texts by id, nor Apollo's {APOLLO_FORMAT}, version 1"
        raise ManifestError(f"{file}: is neither {forms}: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ManifestError(f"{file}: is not JSON") from error


def _pairs(raw: str) -> Iterator[tuple[str, str]]:
    found = msgspec.json.decode(raw)
    if isinstance(found, dict) and "operations" in found:
        for each in msgspec.convert(found, _ApolloManifest).operations:
            yield each.id, each.body
    else:
        yield from msgspec.convert(found, dict[str, str]).items()
