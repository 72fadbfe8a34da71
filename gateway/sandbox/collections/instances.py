"""Instances, as stored and as mod-inventory shows them, and holdings."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.sandbox.collections.collection import METADATA, Collection, index_names
from gateway.sandbox.library import Library, Record

ISBN = "8261054f-be78-422d-bd51-4ed9f33c3422"  # FOLIO's own identifier type, the same in every tenant
STORED_INDEXES = (
    "id hrid source title indexTitle alternativeTitles alternativeTitles.alternativeTitle editions series "
    "series.value identifiers identifiers.value identifiers.identifierTypeId contributors contributors.name "
    "contributorNames subjects subjects.value classifications classifications.classificationNumber "
    "publication publication.publisher publication.dateOfPublication electronicAccess dates.date1 "
    "dates.date2 instanceTypeId instanceFormatIds physicalDescriptions languages notes.note "
    "modeOfIssuanceId catalogedDate previouslyHeld staffSuppress discoverySuppress statisticalCodeIds "
    "statusId statusUpdatedDate natureOfContentTermIds administrativeNotes tags tags.tagList keyword isbn "
    f"{METADATA}"
)
# Fields of the stored record that neither mod-inventory nor mod-search shows.
HIDDEN_FIELDS = {"shared", "tenantId"}


def keyword_text(instance: Record) -> str:
    """Join title, names and identifiers into one text, so that words may come from different fields."""
    names = (person.get("name", "") for person in instance.get("contributors", []))
    numbers = (identifier.get("value", "") for identifier in instance.get("identifiers", []))
    return " ".join([instance.get("title", ""), *names, *numbers])


def isbn_values(instance: Record) -> list[str]:
    return [each["value"] for each in instance.get("identifiers", []) if each.get("identifierTypeId") == ISBN]


def inventory_instances(library: Library, instances: Sequence[Record]) -> list[Record]:
    bound = bound_instance_ids(library)
    return [
        {key: value for key, value in each.items() if key not in HIDDEN_FIELDS}
        | {"isBoundWith": each["id"] in bound}
        for each in instances
    ]


def bound_instance_ids(library: Library) -> set[str | None]:
    """Return the ids of the instances that are bound in an item with others."""
    return {
        library.holdings.get(key, {}).get("instanceId")
        for item in library.items.values()
        if item.get("boundWithHoldingsIds")
        for key in (item["holdingsRecordId"], *item["boundWithHoldingsIds"])
    }


COMPUTED_INDEXES = {
    "keyword": lambda library, instance: keyword_text(instance),
    "isbn": lambda library, instance: isbn_values(instance),
}
STORED_INSTANCES = Collection(
    key="instances",
    records=lambda library: library.instances,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=lambda library, records: [
        {k: v for k, v in each.items() if k not in HIDDEN_FIELDS} for each in records
    ],
)
INSTANCES = Collection(
    key="instances",
    records=lambda library: library.instances,
    indexes=index_names(STORED_INDEXES),
    computed=COMPUTED_INDEXES,
    view=inventory_instances,
)


def holdings_view(library: Library, holdings: Sequence[Record]) -> list[Record]:
    return [{**each, "effectiveLocationId": holdings_location_id(each)} for each in holdings]


def holdings_location_id(holding: Record) -> str | None:
    return holding.get("temporaryLocationId") or holding.get("permanentLocationId")


HOLDINGS = Collection(
    key="holdingsRecords",
    records=lambda library: library.holdings,
    indexes=index_names(
        "id hrid instanceId sourceId formerIds holdingsTypeId permanentLocationId temporaryLocationId "
        "effectiveLocationId callNumber callNumberPrefix callNumberSuffix callNumberTypeId shelvingTitle "
        "copyNumber acquisitionMethod receiptStatus retentionPolicy discoverySuppress statisticalCodeIds "
        f"illPolicyId administrativeNotes notes.note tags tags.tagList instance.* {METADATA}"
    ),
    computed={
        "effectiveLocationId": lambda library, holding: holdings_location_id(holding),
        "instance": lambda library, holding: library.instances.get(holding["instanceId"]),
    },
    view=holdings_view,
)
