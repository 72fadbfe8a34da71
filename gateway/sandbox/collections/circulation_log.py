"""The circulation log, as mod-audit serves it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.collections.collection import Collection, index_names
from gateway.sandbox.collections.endpoints import list_endpoint
from gateway.sandbox.http.errors import BadRequest, InvalidLogQuery
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.library import Library, Record

NO_BARCODE = "-"


def log_views(library: Library, records: Sequence[Record]) -> list[Record]:
    """Return the records, with a hyphen for a missing barcode (CirculationLogsService)."""
    return [{"userBarcode": NO_BARCODE} | record for record in records]


def texts_of_items(library: Library, record: Record) -> list[str]:
    """Return the values of the items, and their text as JSON, whose words are those of the index."""
    items = record.get("items", [])
    return [*(value for item in items for value in item.values()), json.dumps(items, ensure_ascii=False)]


CIRCULATION_LOG = Collection(
    key="logRecords",
    records=lambda library: library.circulation_log,
    indexes=index_names(
        "id eventId userBarcode items object action date servicePointId source description linkToIds.userId "
        "linkToIds.requestId linkToIds.feeFineId linkToIds.templateId linkToIds.noticePolicyId"
    ),
    computed={"items": texts_of_items},
    view=log_views,
)

_list_records = list_endpoint(CIRCULATION_LOG)


def read_circulation_log(http_request: HttpRequest) -> Response:
    """GET the records that a query matches; an invalid query is one error in JSON."""
    try:
        return _list_records(http_request)
    except BadRequest as error:
        raise InvalidLogQuery(error.text) from error
