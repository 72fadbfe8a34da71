"""Trusted documents made ready: validated and compiled before anybody asks them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphql import GraphQLError

from gateway.engine.documents import Documents, Operation, Prepared, Rejected
from gateway.engine.manifests import TrustedDocument

EVERY = 1.0  # seconds between two signs of life

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What keeps an operation of a manifest from being served."""

    id: str
    operation: str
    message: str

    def __str__(self) -> str:
        return f"{self.id} ({self.operation}): {self.message}"


async def prepare_trusted(documents: Documents, compile_ahead: Callable[[Operation], None]) -> None:
    """Prepare all trusted documents for good. The log names those that cannot be served; the rest are.

    It tells how far it has come when that takes more than a moment.
    """
    trusted = documents.trusted
    told = time.monotonic()
    problems = 0
    for number, document in enumerate(trusted):
        if time.monotonic() - told > EVERY:
            told = time.monotonic()
            log.info("Preparing trusted documents: %d of %d", number, len(trusted))
        prepared = documents.keep_for_good(document.text)
        for problem in problems_of(document, prepared, documents):
            problems += 1
            log.error("A trusted document cannot be served: %s", problem)
        for each in set(prepared.values()):
            if isinstance(each, Operation):
                compile_ahead(each)
        await asyncio.sleep(0)
    if trusted:
        log.info("Trusted documents: %d are ready, %d problems", len(trusted), problems)


def problems_of(
    document: TrustedDocument, prepared: dict[str | None, Prepared], documents: Documents
) -> Iterator[Problem]:
    """What is wrong with the operations of a document, its cost without variables included.

    What is wrong with the document as a whole is told once, with the names of all its operations.
    """
    found: dict[str, list[str]] = {}
    for name, each in prepared.items():
        if isinstance(each, Rejected):
            messages = [_told(error) for error in each.errors]
        else:
            costly = documents.too_costly(each, {})
            messages = [] if costly is None else [costly.message]
        for message in messages:
            found.setdefault(message, []).append(name or "without a name")
    for message, names in found.items():
        yield Problem(id=document.id, operation=", ".join(names), message=message)


def _told(error: GraphQLError) -> str:
    places = (f" (line {place.line}, column {place.column})" for place in (error.locations or ())[:1])
    return error.message + "".join(places)
