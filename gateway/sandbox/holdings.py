"""Holdings, as stored."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.library import Library, Record
from gateway.sandbox.shelf import METADATA, Shelf, indexes


def stored(library: Library, holdings: Sequence[Record]) -> list[Record]:
    return [{**each, "effectiveLocationId": effective_location_id(each)} for each in holdings]


def effective_location_id(holding: Record) -> str | None:
    return holding.get("temporaryLocationId") or holding.get("permanentLocationId")


HOLDINGS = Shelf(
    key="holdingsRecords",
    records=lambda library: library.holdings,
    indexes=indexes(
        "id hrid instanceId sourceId formerIds holdingsTypeId permanentLocationId temporaryLocationId "
        "effectiveLocationId callNumber callNumberPrefix callNumberSuffix callNumberTypeId shelvingTitle "
        "copyNumber acquisitionMethod receiptStatus retentionPolicy discoverySuppress statisticalCodeIds "
        f"illPolicyId administrativeNotes notes.note tags tags.tagList instance.* {METADATA}"
    ),
    joined={
        "effectiveLocationId": lambda library, holding: effective_location_id(holding),
        "instance": lambda library, holding: library.instances.get(holding["instanceId"]),
    },
    view=stored,
)
