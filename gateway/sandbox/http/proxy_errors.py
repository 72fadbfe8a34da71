"""Errors of the proxies in front of FOLIO's modules: Okapi, and on Eureka Kong and a module's sidecar.

Each is sent before the module is called, unless the module relays one that it received from another module.
The texts are those of mod-authtoken, Okapi's ProxyService, folio-module-sidecar and Kong.
"""

from __future__ import annotations

import json
from typing import NamedTuple

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain"}


class ProxyError(NamedTuple):
    """The response of a proxy; its members are arguments of `Faults.add` for kind "status"."""

    status: int
    body: str
    headers: dict[str, str]


def okapi_forbidden(permission: str) -> ProxyError:
    return ProxyError(403, f"Access for user 'desk' (1) requires permission: {permission}", TEXT)


def okapi_token_missing(permission: str) -> ProxyError:
    return ProxyError(400, f"Token missing, access requires permission: {permission}", TEXT)


def okapi_not_routed(path: str, tenant: str = "diku") -> ProxyError:
    return ProxyError(404, f"No suitable module found for path {path} for tenant {tenant}", TEXT)


def sidecar_forbidden() -> ProxyError:
    """Return the 403 of a sidecar, which does not name the route."""
    return _sidecar_error(403, "ForbiddenException", "authorization_error", "Access Denied")


def sidecar_unauthorized() -> ProxyError:
    return _sidecar_error(401, "UnauthorizedException", "authorization_error", "Unauthorized")


def sidecar_not_routed(method: str, path: str) -> ProxyError:
    message = f"Route is not found [method: {method}, path: {path}]"
    return _sidecar_error(404, "NotFoundException", "route_not_found_error", message)


def kong_not_routed() -> ProxyError:
    return ProxyError(404, json.dumps({"message": "no Route matched with those values"}), JSON)


def _sidecar_error(status: int, kind: str, code: str, message: str) -> ProxyError:
    error = {"type": kind, "code": code, "message": message}
    return ProxyError(status, json.dumps({"errors": [error], "total_records": 1}), JSON)
