"""Patron blocks: manual ones, and those that circulation sets automatically."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.clock import parse_timestamp
from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Library, Record

MANUAL_BLOCKS = Collection(
    key="manualblocks",
    records=lambda library: library.manual_blocks,
    indexes=index_names(
        "id userId type desc code staffInformation patronMessage expirationDate borrowing renewals requests "
        "metadata.*"
    ),
)
BLOCK_CONDITIONS = Collection(
    key="patronBlockConditions",
    records=lambda library: library.block_conditions,
    indexes=index_names(f"id name blockBorrowing blockRenewals blockRequests valueType message {METADATA}"),
)
BLOCK_LIMITS = Collection(
    key="patronBlockLimits",
    records=lambda library: library.block_limits,
    indexes=index_names(f"id patronGroupId conditionId value {METADATA}"),
)


def read_automated_blocks(http_request: HttpRequest) -> Response:
    """GET the automated blocks of a user; an unknown user has none."""
    user_id = http_request.path_uuid("user_id")
    blocks = [public_block(block) for block in find_automated_blocks(http_request.library, user_id)]
    return json_response({"automatedPatronBlocks": blocks, "totalRecords": len(blocks)})


def public_block(block: Record) -> Record:
    return {key: value for key, value in block.items() if key not in ("id", "userId")}


def find_automated_blocks(library: Library, user_id: str) -> list[Record]:
    return [block for block in library.automated_blocks.values() if block["userId"] == user_id]


def find_manual_blocks(library: Library, user_id: str) -> list[Record]:
    """Return the unexpired manual blocks of a user."""
    now = library.clock.now()
    blocks = (block for block in library.manual_blocks.values() if block["userId"] == user_id)
    return [
        block
        for block in blocks
        if "expirationDate" not in block or parse_timestamp(block["expirationDate"]) > now
    ]
