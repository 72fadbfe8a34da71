"""Preparation of trusted documents: they are validated and compiled at startup."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphql import GraphQLError

from gateway.engine.documents import Documents, Operation, Prepared, Rejected, default_values
from gateway.engine.limits import page_sizes
from gateway.engine.manifests import TrustedDocument
from gateway.errors import BadUserInput, page_too_large
from gateway.fields.arguments import page_size

PROGRESS_INTERVAL = 1.0  # seconds between two lines of the log

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The reason why an operation of a manifest cannot be served."""

    id: str
    operation: str
    message: str

    def __str__(self) -> str:
        return f"{self.id} ({self.operation}): {self.message}"


async def prepare_trusted(documents: Documents, compile_operation: Callable[[Operation], None]) -> None:
    """Prepare all trusted documents and keep them. Those that cannot be served are logged."""
    trusted = documents.trusted
    last_logged = time.monotonic()
    problems = 0
    for number, document in enumerate(trusted):
        if time.monotonic() - last_logged > PROGRESS_INTERVAL:
            last_logged = time.monotonic()
            log.info("Preparing trusted documents: %d of %d", number, len(trusted))
        operations = documents.pin(document.text)
        for problem in find_problems(document, operations, documents):
            problems += 1
            log.error("A trusted document cannot be served: %s", problem)
        for each in set(operations.values()):
            if isinstance(each, Operation):
                compile_operation(each)
        await asyncio.sleep(0)
    if trusted:
        log.info("Trusted documents: %d are ready, %d problems", len(trusted), problems)


def find_problems(
    document: TrustedDocument, operations: dict[str | None, Prepared], documents: Documents
) -> Iterator[Problem]:
    """Yield the problems of a document's operations, including their cost and pages without variables.

    A problem of several operations is reported once, with all their names.
    """
    names: dict[str, list[str]] = {}
    for name, each in operations.items():
        if isinstance(each, Rejected):
            messages = [describe_error(error) for error in each.errors]
        else:
            excess = documents.check_estimate(documents.estimate_without_variables(each))
            messages = [] if excess is None else [excess.message]
            messages += _refused_pages(each, documents.limits.max_page_size)
        for message in messages:
            names.setdefault(message, []).append(name or "without a name")
    for message, having in names.items():
        yield Problem(id=document.id, operation=", ".join(having), message=message)


def _refused_pages(operation: Operation, maximum: int) -> Iterator[str]:
    """Yield the errors that lists of an operation would have because of their `first`."""
    for first in sorted({*page_sizes(operation.steps, default_values(operation))}):
        try:
            if page_size(first) > maximum:
                yield page_too_large(first, maximum).message
        except BadUserInput as error:
            yield error.message


def estimated_calls(
    operations: Mapping[str | None, Prepared], documents: Documents
) -> Iterator[tuple[str | None, int]]:
    """Yield the name of each valid operation of a document, and its estimated upstream calls."""
    for name, each in operations.items():
        if isinstance(each, Operation):
            yield name, documents.estimate_without_variables(each).calls


def describe_error(error: GraphQLError) -> str:
    """Return the message of an error, and its first place in the document."""
    places = (f" (line {place.line}, column {place.column})" for place in (error.locations or ())[:1])
    return error.message + "".join(places)
