"""Mediated requests, for the look-up of their creation and confirmation (mod-requests-mediated)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route


class MediatedRequests(Service):
    """The interface of mod-requests-mediated; the BFF only writes to it."""

    mediated_requests = Collection(
        Route(
            "GET",
            "/requests-mediated/mediated-requests",
            Interface("requests-mediated", "2.0"),
            "requests-mediated.mediated-request.collection.get",
        ),
        "mediatedRequests",
        forwards_total=True,
    )
