"""A diagnosis as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from gateway.doctor.diagnosis import Diagnosis, MutationResult, ReadResult, Status
from gateway.doctor.kafka import KafkaCheck
from gateway.doctor.store import StoreCheck


def as_json(diagnosis: Diagnosis) -> str:
    """Format as one JSON object; times are in milliseconds."""
    return json.dumps(msgspec.to_builtins(diagnosis), indent=2)


def as_text(diagnosis: Diagnosis) -> str:
    """Format for a terminal: one line for each read and each mutation."""
    source = "by the user's permissions" if diagnosis.has_permissions else "not checked"
    return "\n".join(
        [
            f"Tenant {diagnosis.tenant}",
            "",
            "Reads:",
            "",
            *_columns((each.service, each.path, _status(each), _reason(each)) for each in diagnosis.reads),
            "",
            f"Mutations: {source}",
            "",
            *_columns((each.mutation, _permission(each)) for each in diagnosis.mutations),
            "",
            *_section("Store", diagnosis.store),
            *_section("Kafka", diagnosis.kafka),
            *_conclusion(diagnosis),
        ]
    )


def _section(title: str, checks: Sequence[StoreCheck | KafkaCheck]) -> list[str]:
    if not checks:
        return []
    rows = _columns((each.name, each.value, each.message or "") for each in checks)
    return [f"{title}:", "", *rows, ""]


def _status(result: ReadResult) -> str:
    status: str = result.status.value
    if result.status in (Status.NOT_CONFIGURED, Status.NOT_CHECKED):
        return status
    return f"{status}, {result.milliseconds} ms"


def _reason(result: ReadResult) -> str:
    if result.cure is not None:
        return result.cure
    if result.status is Status.FORBIDDEN and result.permission is not None:
        return f"needs {result.permission}"
    if result.status is Status.ABSENT:
        return "optional" if result.is_healthy else "required"
    if result.status is Status.NOT_CHECKED:
        return "needs a Polaris identity and a workstation"
    return result.message or ""


def _permission(result: MutationResult) -> str:
    if not result.missing_permissions:
        return result.status
    return f"{result.status}: lacks {', '.join(result.missing_permissions)}"


def _conclusion(diagnosis: Diagnosis) -> list[str]:
    counts = Counter(each.status.value for each in diagnosis.reads)
    summary = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    failed = sum(not each.is_healthy for each in diagnosis.reads)
    failed += sum(not each.is_healthy for each in diagnosis.store)
    failed += sum(not each.is_healthy for each in diagnosis.kafka)
    return [f"{summary}.", "All checks passed." if diagnosis.is_healthy else f"Failed checks: {failed}."]


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
