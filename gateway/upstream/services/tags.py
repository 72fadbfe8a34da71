"""Tags, the labels that records can have (mod-tags)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route


class Tags(Service):
    """The interface of mod-tags."""

    tags = Collection(
        Route("GET", "/tags", Interface("tags", "1.0"), "tags.collection.get"),
        "tags",
        forwards_total=True,
        min_limit=1,  # of the parameter (tags.yml)
    )
