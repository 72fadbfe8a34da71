"""The circulation log (mod-audit)."""

from __future__ import annotations

from gateway.upstream.caller import Service
from gateway.upstream.collection import Collection
from gateway.upstream.routes import Interface, Route


class Audit(Service):
    """The circulation log of mod-audit. Its other logs, such as that of inventory, are not read."""

    # It ignores `totalRecords` (CirculationLogsService), so that totals from 1000 on are estimates unless no
    # record is read; FOLIO's own screen reads none to count (ui-circulation-log, useCirculationLog).
    circulation_log = Collection(
        Route(
            "GET",
            "/audit-data/circulation/logs",
            Interface("circulation-logs", "1.2"),
            "circulation-logs.collection.get",
        ),
        "logRecords",
    )
