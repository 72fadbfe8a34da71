"""What nobody foresaw, answered like every other error."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.engine.error_masking import refusal
from gateway.http.middleware.security_headers import SECURITY_HEADERS
from gateway.identity import request_id_from_headers


async def fault(request: Request, error: Exception) -> Response:
    """UpstreamResponse 500 without the text of the exception.

    Starlette does this outside of all middleware, so the headers are put on here.
    """
    entry = refusal(error, request_id_from_headers(request.scope["headers"]))
    response = Response(
        msgspec.json.encode({"errors": [entry]}), 500, media_type="application/json; charset=utf-8"
    )
    response.raw_headers.extend(SECURITY_HEADERS)
    return response
