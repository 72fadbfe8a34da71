"""Loans with dates of older versions: without an offset, with microseconds, or a day alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from gateway.sandbox.collections.loans import LEGACY_FORMS, circulation_loans
from tests.gateway_under_test import open_gateway

pytestmark = pytest.mark.anyio

LOANS = """{ loans(first: 1000) { totalCount nodes { id loanDate returnDate
    item { barcode } borrower { loans(first: 1) { nodes { loanDate } } }
} } }"""


def in_utc(text: str | None) -> datetime | None:
    if text is None:
        return None
    date_time = datetime.fromisoformat(text)
    return date_time if date_time.tzinfo else date_time.replace(tzinfo=UTC)


@pytest.mark.parametrize("execution", ["plan", "generic"])
@pytest.mark.parametrize("lists_from", ["bff", "circulation"])
async def test_lists_of_loans_with_all_forms_of_dates(execution: str, lists_from: str) -> None:
    """Each date is the stored one, in UTC, and the list has the same calls as that of other loans."""
    async with open_gateway(execution=execution, lists_from=lists_from) as gateway:
        usual = await gateway.data(LOANS)
        calls = gateway.paths()
        gateway.sandbox.calls.clear()
        gateway.library.legacy_dates = True
        data = (await gateway.data(LOANS))["loans"]
        sent = {
            each["id"]: each for each in circulation_loans(gateway.library, [*gateway.library.loans.values()])
        }

    assert gateway.paths() == calls
    assert data["totalCount"] == usual["loans"]["totalCount"] == len(sent)
    forms = set()
    for loan in data["nodes"]:
        for name in ("loanDate", "returnDate"):
            stored = sent[loan["id"]].get(name)
            written = loan[name]
            forms.add(re.sub("[0-9]", "0", stored or ""))
            assert written is None or written.endswith("Z")
            if lists_from == "bff" and stored:  # its dates have milliseconds
                stored = re.sub(r"(\.\d{3})456", r"\1", stored)
            assert in_utc(written) == in_utc(stored)
    assert len(forms - {""}) == len(LEGACY_FORMS)
