"""Manifests of trusted documents, which the builds of front ends write.

Two formats are read. graphql-codegen's client preset and Relay's compiler write an object of texts by hash or
id. Apollo's generator writes a list of operations, each with its id and body.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from gateway.engine.request import SHA256, normalize_document_id

APOLLO_FORMAT = "apollo-persisted-query-manifest"

_MAX_ID = 256


class ManifestError(Exception):
    """A manifest that cannot be read. The message is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocument:
    """One document of a manifest with its id."""

    id: str
    text: str


class TrustedDocuments:
    """The documents of one or more manifests, by id, by SHA-256 and by text."""

    def __init__(self, documents: Iterable[TrustedDocument]) -> None:
        """Raises `ManifestError` if one id has two texts."""
        self._documents = list(documents)
        self._by_id: dict[str, str] = {}
        for each in self._documents:
            if self._by_id.setdefault(normalize_document_id(each.id), each.text) != each.text:
                raise ManifestError(f"id {each.id} has two documents")
        # Clients of automatic persisted queries send the hash of a text whatever its id in the manifest.
        for each in self._documents:
            self._by_id.setdefault(hashlib.sha256(each.text.encode()).hexdigest(), each.text)
        self._texts = frozenset(self._by_id.values())

    def __len__(self) -> int:
        return len(self._documents)

    def __iter__(self) -> Iterator[TrustedDocument]:
        return iter(self._documents)

    def __contains__(self, text: str) -> bool:
        return text in self._texts

    def text(self, document_id: str) -> str | None:
        """Return the text of an id, None if no manifest has it."""
        return self._by_id.get(normalize_document_id(document_id))


class _ApolloOperation(msgspec.Struct, frozen=True):
    id: str
    body: str


class _ApolloManifest(msgspec.Struct, frozen=True):
    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: list[_ApolloOperation]


def read_manifests(path: Path) -> list[TrustedDocument]:
    """Return the documents of a manifest, or of every `*.json` in a folder. Raises `ManifestError`."""
    try:
        files = (
            sorted(each for each in path.iterdir() if each.name.endswith(".json")) if path.is_dir() else None
        )
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    if files is None:
        return list(_read_documents(path))
    if not files:
        raise ManifestError(f"{path}: has no manifest (*.json)")
    for file in files:
        if not file.is_file():  # reading a pipe would wait for its writer
            raise ManifestError(f"{file}: is not a regular file")
    return [each for file in files for each in _read_documents(file)]


def decode_text(content: bytes) -> str:
    """Decode a text file: UTF-8 with or without a byte order mark, or UTF-16 with one.

    PowerShell's `>` writes UTF-16, and editors on Windows put a mark before UTF-8. Raises
    `UnicodeDecodeError`.
    """
    has_utf16_mark = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if has_utf16_mark else "utf-8-sig")


def _read_documents(file: Path) -> Iterator[TrustedDocument]:
    try:
        text = decode_text(file.read_bytes())
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{file}: must be in UTF-8, or in UTF-16 with a byte order mark") from error
    try:
        for sent_id, document in _decode_documents(text):
            document_id = sent_id.removeprefix(SHA256)
            if not re.fullmatch(r"[\x21-\x7e]+", document_id) or len(document_id) > _MAX_ID:
                raise ManifestError(f"{file}: {sent_id!r} is not a valid id")
            yield TrustedDocument(id=document_id, text=document)
    except msgspec.ValidationError as error:
        formats = f"an object of texts by id, nor Apollo's {APOLLO_FORMAT}, version 1"
        raise ManifestError(f"{file}: is neither {formats}: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ManifestError(f"{file}: is not JSON") from error


def _decode_documents(text: str) -> Iterator[tuple[str, str]]:
    manifest = msgspec.json.decode(text)
    if isinstance(manifest, dict) and "operations" in manifest:
        for each in msgspec.convert(manifest, _ApolloManifest).operations:
            yield each.id, each.body
    else:
        yield from msgspec.convert(manifest, dict[str, str]).items()
