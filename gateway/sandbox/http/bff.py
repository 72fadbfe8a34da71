"""Versions of the circulation BFF: the routes that a released one lacks, and pages on which others break.

Okapi, Kong and the sidecar of the gateway respond in place of a module that does not provide a route; if the
module itself is called, Spring does (mod-circulation-bff v1.1.9 and 1.2.0-SNAPSHOT: its module descriptor,
CirculationBffServiceImpl, CirculationBffController, request.yaml).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from starlette.responses import Response

from gateway.sandbox.http.proxy_errors import (
    JSON,
    ProxyError,
    kong_not_routed,
    okapi_not_routed,
    sidecar_not_routed,
)
from gateway.sandbox.http.request import HttpRequest
from gateway.sandbox.library import Record

LOANS, REQUESTS, BATCH_REQUESTS = (
    f"/circulation-bff/{name}" for name in ("loans", "requests", "batch-requests")
)
DETAILS = "/requests-mediated/batch-mediated-requests/details"  # read for each page that is not empty

Responder: TypeAlias = Literal["okapi", "sidecar", "kong", "spring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bff:
    """A version of the BFF on a platform; the default has every route and breaks on nothing.

    `absent_from` is who responds to a route that is absent.
    """

    has_loan_list: bool = True
    has_request_list: bool = True
    has_batch_requests: bool = True
    has_mediated_requests: bool = True
    reads_tags: bool = True
    absent_from: Responder = "okapi"

    def reject(self, method: str, path: str, tenant: str) -> Response | None:
        """Return the response to a route that the BFF does not have."""
        is_absent = (
            (method == "GET" and path == LOANS and not self.has_loan_list)
            or (method == "GET" and path == REQUESTS and not self.has_request_list)
            or (path.startswith(BATCH_REQUESTS) and not self.has_batch_requests)
        )
        return _response(self._not_routed(method, path, tenant)) if is_absent else None

    def break_page(self, request: HttpRequest, tenant: str, response: Response) -> Response:
        """Return the response to a list of requests, or what the BFF sends if it breaks on one of them."""
        if response.status_code != 200:
            return response
        page: Sequence[Record] = json.loads(bytes(response.body))["requests"]
        stored = request.library.requests
        if not self.reads_tags and any("tags" in stored.get(each["id"], {}) for each in page):
            return _response(spring_error(500, "Internal Server Error", REQUESTS))
        if page and not self.has_mediated_requests:
            return _response(okapi_not_routed(DETAILS, tenant))
        return response

    def _not_routed(self, method: str, path: str, tenant: str) -> ProxyError:
        absent: Mapping[Responder, Callable[[], ProxyError]] = {
            "okapi": lambda: okapi_not_routed(path, tenant),
            "sidecar": lambda: sidecar_not_routed(method, path),
            "kong": kong_not_routed,
            "spring": lambda: (
                spring_error(405, "Method Not Allowed", path)
                if path == REQUESTS  # which takes new requests
                else spring_error(404, "Not Found", path)
            ),
        }
        return absent[self.absent_from]()


def spring_error(status: int, error: str, path: str) -> ProxyError:
    """Return the response that Spring sends of itself."""
    body = {"timestamp": "2026-11-26T08:15:02.417+00:00", "status": status, "error": error, "path": path}
    return ProxyError(status, json.dumps(body), JSON)


def _response(error: ProxyError) -> Response:
    return Response(error.body, error.status, headers=error.headers)


VERSIONS: Mapping[str, Bff] = MappingProxyType(
    {
        "latest": Bff(),
        "released": Bff(has_request_list=False, has_batch_requests=False),
        "early": Bff(has_loan_list=False, has_request_list=False, has_batch_requests=False),
        "without-mediated-requests": Bff(has_mediated_requests=False),
        "fails-on-tags": Bff(reads_tags=False),
    }
)
"""Versions by the names that the command `sandbox` takes: 1.2.0, 1.1.9, 1.1.0, and 1.2.0 that breaks."""
