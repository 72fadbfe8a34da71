"""An examination as people read it, and as machines do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from gateway.doctor.examination import ActFinding, Examination, Finding
from gateway.doctor.verdict import Verdict


def as_json(examination: Examination) -> str:
    """One JSON object; times in milliseconds."""
    return json.dumps(msgspec.to_builtins(examination), indent=2)


def as_text(examination: Examination) -> str:
    """Lines for a terminal: each question, each act, and how it stands."""
    findings, acts = examination.questions, examination.acts
    of_acts = "what the user's permissions say" if examination.permissions_are_known else "not tried"
    return "\n".join(
        [
            f"Tenant {examination.tenant}",
            "",
            *_columns((each.service, each.path, _verdict(each), _why(each)) for each in findings),
            "",
            f"MutationState: {of_acts}",
            "",
            *_columns((each.act, _permission(each)) for each in acts),
            "",
            *_conclusion(examination),
        ]
    )


def _verdict(finding: Finding) -> str:
    word: str = finding.verdict.value
    if finding.verdict in (Verdict.NOT_CONFIGURED, Verdict.NOT_TRIED):
        return word
    return f"{word}, {finding.milliseconds} ms"


def _why(finding: Finding) -> str:
    if finding.verdict is Verdict.FORBIDDEN and finding.permission is not None:
        return f"needs {finding.permission}"
    if finding.verdict is Verdict.ABSENT:
        return "optional" if finding.is_fine else "required"
    if finding.verdict is Verdict.NOT_TRIED:
        return "needs a Polaris identity and a workstation"
    return finding.message or ""


def _permission(act: ActFinding) -> str:
    return f"{act.verdict}: lacks {', '.join(act.lacks)}" if act.lacks else act.verdict


def _conclusion(examination: Examination) -> list[str]:
    counts = Counter(each.verdict.value for each in examination.questions)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    wrong = sum(not each.is_fine for each in examination.questions)
    return [f"{told}.", "All is well." if examination.is_fine else f"Wrong: {wrong}."]


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
