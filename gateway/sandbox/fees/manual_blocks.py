"""Writes on manual blocks (mod-feesfines, ManualBlocksAPI)."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.fees.request_body import members, validated_body
from gateway.sandbox.http.errors import BadRequest, NotFound
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Record
from gateway.sandbox.log.fees import log_manual_block
from gateway.sandbox.metadata import stamp

KINDS = members(
    "type:text desc:text code:text staffInformation:text patronMessage:text expirationDate:date "
    "borrowing:boolean renewals:boolean requests:boolean userId:uuid metadata:object id:uuid"
)
REQUIRED = "desc userId"
NOT_FOUND = "Record Not Found"


def create_manual_block(http_request: HttpRequest) -> Response:
    """POST a block. An id that exists is 400 with a text that does not say so."""
    library = http_request.library
    body = validated_body(http_request, KINDS, REQUIRED)
    body.pop("metadata", None)
    block: Record = {"id": library.new_id(), **body}
    block["id"] = block["id"].lower()
    if block["id"] in library.manual_blocks:
        raise BadRequest("Unable to process request")
    library.manual_blocks[block["id"]] = block
    block["metadata"] = http_request.caller.creation_metadata(library.now())
    log_manual_block(library, block, "Created", http_request.caller)
    return json_response(block, 201)


def update_manual_block(http_request: HttpRequest) -> Response:
    """PUT a block, which replaces all members of the stored one but the metadata of its creation."""
    body = validated_body(http_request, KINDS, REQUIRED)
    stored = get_manual_block(http_request)
    body |= {"id": stored["id"], "metadata": stored.get("metadata", {})}
    stamp(body, http_request.caller, http_request.library.now())
    http_request.library.manual_blocks[stored["id"]] = body
    log_manual_block(http_request.library, body, "Modified", http_request.caller)
    return Response(status_code=204)


def delete_manual_block(http_request: HttpRequest) -> Response:
    stored = get_manual_block(http_request)
    del http_request.library.manual_blocks[stored["id"]]
    log_manual_block(http_request.library, stored, "Deleted", http_request.caller)
    return Response(status_code=204)


def get_manual_block(http_request: HttpRequest) -> Record:
    stored = http_request.library.manual_blocks.get(http_request.path_uuid())
    if stored is None:
        raise NotFound(NOT_FOUND)
    return stored
