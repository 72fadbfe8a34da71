"""The endpoints of a collection: a page of records with a total, and one record by its id."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.responses import Response

from gateway.sandbox.collections.collection import Collection, View
from gateway.sandbox.http.errors import InvalidRequest, Refused, reason
from gateway.sandbox.http.request import Endpoint, HttpRequest, json_response
from gateway.sandbox.library import Library, Record

DEFAULT_LIMIT = 10
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def count_total(
    mode: str, matches: int, offset: int, returned: int, max_exact_count: int = 1000
) -> int | None:
    """Count the matches in the requested mode.

    An estimate is deliberately a tenth too high, like a query planner's, and then adjusted as
    raml-module-builder does: a page that is not full reveals the true end. In the mode `auto`, more than
    `max_exact_count` matches are estimated.
    """
    if mode == "none":
        return None
    if (mode == "estimated" or (mode == "auto" and matches > max_exact_count)) and returned:
        is_full = offset + returned < matches
        return max(matches + matches // 10, offset + returned) if is_full else matches
    return matches


def build_page(
    http_request: HttpRequest,
    key: str,
    records: Sequence[Record],
    view: View,
    *,
    forwards_total: bool = True,
) -> Record:
    """Build one page from `limit` and `offset`, with the total that `totalRecords` requests."""
    library = http_request.library
    limit = http_request.query_number("limit", DEFAULT_LIMIT)
    offset = http_request.query_number("offset", 0)
    mode = http_request.query.get("totalRecords", "auto")
    if mode not in ("exact", "estimated", "none", "auto"):
        raise http_request.invalid_input(f"'totalRecords' parameter is incorrect: {mode}")
    rows = [spell_keys(library, each) for each in view(library, records[offset : offset + limit])]
    if not forwards_total:
        mode = "auto"
    total = count_total(mode, len(records), offset, len(rows), library.max_exact_count)
    return {key: rows} if total is None else {key: rows, "totalRecords": total}


def spell_keys(library: Library, record: Record) -> Record:
    """Return a record with its foreign keys as the library spells them."""
    if not library.capital_keys:
        return record
    return {
        name: value.upper() if isinstance(value, str) and UUID.fullmatch(value) and name != "id" else value
        for name, value in record.items()
    }


def list_endpoint(collection: Collection, *, query_required: bool = False) -> Endpoint:
    """Create the endpoint that lists the records a query matches."""

    def list_records(http_request: HttpRequest) -> Response:
        text = http_request.query.get("query", "")
        if query_required and "query" not in http_request.query:
            raise InvalidRequest()
        if http_request.query_number("limit", DEFAULT_LIMIT) < collection.min_limit:
            message = f"must be greater than or equal to {collection.min_limit}"
            raise Refused([reason(message, {"limit": http_request.query["limit"]})])
        records = collection.find(http_request.library, text.strip() or "cql.allRecords=1")
        forwards_total = collection.forwards_total
        return json_response(
            build_page(http_request, collection.key, records, collection.view, forwards_total=forwards_total)
        )

    return list_records


def record_endpoint(collection: Collection) -> Endpoint:
    """Create the endpoint that reads one record by its id."""

    def read_record(http_request: HttpRequest) -> Response:
        key = http_request.path_uuid()
        record = collection.records(http_request.library).get(key)
        if record is None:
            raise collection.not_found(collection.not_found_text.format(id=key))
        library = http_request.library
        if collection.record_view is None:
            (view,) = collection.view(library, [record])
        else:
            view = collection.record_view(library, record)
        return json_response(spell_keys(library, view))

    return read_record
