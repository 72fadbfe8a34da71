"""A route of the sandbox: method, path, required permission and endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sandbox.http.request import Endpoint


@dataclass(frozen=True, slots=True)
class ServedRoute:
    method: str
    path: str
    permission: str | None  # None: any valid token suffices
    endpoint: Endpoint


def get_route(path: str, permission: str, endpoint: Endpoint) -> ServedRoute:
    return ServedRoute("GET", path, permission, endpoint)


def post_route(path: str, permission: str, endpoint: Endpoint) -> ServedRoute:
    return ServedRoute("POST", path, permission, endpoint)
