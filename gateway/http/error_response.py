"""Responses to requests that do not reach the GraphQL endpoint, or fail there unexpectedly."""

from __future__ import annotations

import math

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.engine.error_masking import mask_exception
from gateway.errors import GatewayError
from gateway.http.middleware.security_headers import SECURITY_HEADERS
from gateway.identity import RAW_REQUEST_ID_HEADER, Headers, request_id_from_headers


def error_response(error: Exception, request_headers: Headers) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body of a response with one error. The text of an unexpected one is masked."""
    request_id = request_id_from_headers(request_headers)
    body = msgspec.json.encode({"errors": [mask_exception(error, request_id)]})
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (RAW_REQUEST_ID_HEADER, request_id.encode()),
        *SECURITY_HEADERS,
    ]
    if isinstance(error, GatewayError) and error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after)))
    return headers, body


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Respond with 500, without the text of the exception.

    Starlette calls it outside of all middleware, so it sets the security headers itself.
    """
    headers, body = error_response(error, request.scope["headers"])
    response = Response(body, 500)
    response.raw_headers = headers
    return response
