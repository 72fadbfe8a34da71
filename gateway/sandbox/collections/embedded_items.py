"""Items as loans, requests and search results embed them."""

from __future__ import annotations

from gateway.sandbox.collections.item_context import ItemContext, effective_loan_type_id, get_item_context
from gateway.sandbox.collections.items import id_and_name
from gateway.sandbox.collections.locations import get_library_name
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record

# The states that mod-circulation knows (ItemStatus); of any other it sends an empty name.
KNOWN_STATUSES = frozenset(
    {
        "Aged to lost",
        "Available",
        "Awaiting delivery",
        "Awaiting pickup",
        "Checked out",
        "Claimed returned",
        "Declared lost",
        "In process",
        "In process (non-requestable)",
        "In transit",
        "Intellectual item",
        "Long missing",
        "Lost and paid",
        "Missing",
        "On order",
        "Paged",
        "Restricted",
        "Unavailable",
        "Unknown",
        "Withdrawn",
    }
)


def circulation_status(item: Record) -> Record:
    """Return the state of an item as circulation knows it."""
    status: Record = item.get("status", {})
    return status if status.get("name") in KNOWN_STATUSES else {"name": ""}


def loan_item(library: Library, item: Record) -> Record:
    """Render the item of a loan or of a response of the desk."""
    context = get_item_context(library, item)
    newer = {} if library.older_summaries else newer_members(item, context)
    return omit_nulls(
        {
            "id": item["id"],
            "title": context.title,
            "callNumber": context.call_number.get("callNumber"),
            "callNumberComponents": context.call_number_without_type,
            "copyNumber": context.copy_number,
            "editions": context.instance.get("editions"),
            "materialType": name_only(library.material_types, item.get("materialTypeId")),
            "contributors": context.contributors,
            "primaryContributor": context.primary_contributor,
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": context.instance.get("id"),
            "barcode": item.get("barcode"),
            "location": omit_nulls({"name": context.location.get("name")}) or None,
            "status": circulation_status(item),
            **transit_destination(library, item),
            "enumeration": item.get("enumeration"),
            "chronology": item.get("chronology"),
            "volume": item.get("volume"),
            "displaySummary": item.get("displaySummary"),
            "datesOfPublication": dates_of_publication(context.instance),
            "physicalDescriptions": context.instance.get("physicalDescriptions"),
            **newer,
        }
    )


def newer_members(item: Record, context: ItemContext) -> Record:
    series = [each["value"] for each in context.instance.get("series", []) if "value" in each]
    return {
        "instanceHrid": context.instance.get("hrid"),
        "accessionNumber": item.get("accessionNumber"),
        "seriesStatements": series or None,
        "administrativeNotes": item.get("administrativeNotes") or None,
    }


def name_only(records: dict[str, Record], key: str | None) -> Record | None:
    name = records.get(key or "", {}).get("name")
    return None if name is None else {"name": name}


def transit_destination(library: Library, item: Record) -> Record:
    key = item.get("inTransitDestinationServicePointId")
    if key is None:
        return {}
    return {
        "inTransitDestinationServicePointId": key,
        "inTransitDestinationServicePoint": id_and_name(library.service_points, key),
    }


def dates_of_publication(instance: Record) -> list[str] | None:
    dates = (each.get("dateOfPublication") for each in instance.get("publication", []))
    return [date for date in dates if date] or None


def request_item(library: Library, item: Record) -> Record:
    """Render the item of a request: without an id, and with its status as plain text."""
    context = get_item_context(library, item)
    retrieval = context.location.get("primaryServicePoint")
    loan_type = effective_loan_type_id(item)
    names = {
        "itemEffectiveLocationName": context.location.get("name"),
        "retrievalServicePointName": library.service_points.get(retrieval or "", {}).get("name"),
        "loanTypeName": library.loan_types.get(loan_type or "", {}).get("name"),
    }
    return omit_nulls(
        {
            "barcode": item.get("barcode"),
            "location": location_summary(library, context.location),
            "enumeration": item.get("enumeration"),
            "volume": item.get("volume"),
            "chronology": item.get("chronology"),
            "displaySummary": item.get("displaySummary"),
            "status": circulation_status(item)["name"],
            "callNumber": context.call_number.get("callNumber"),
            "callNumberComponents": context.call_number_without_type,
            "copyNumber": context.copy_number,
            "itemEffectiveLocationId": context.location.get("id"),
            "retrievalServicePointId": retrieval,
            "loanTypeId": loan_type,
            **({} if library.lost_names else names),
        }
    )


def location_summary(library: Library, location: Record) -> Record | None:
    names = {
        "name": location.get("name"),
        "libraryName": get_library_name(library, location),
        "code": location.get("code"),
    }
    return omit_nulls(names) or None


def search_item(library: Library, item: Record) -> Record:
    """Render an item of the BFF's search result; its location has a name but no id."""
    context = get_item_context(library, item)
    return omit_nulls(
        {
            "id": item["id"],
            "tenantId": library.tenant,
            "title": context.title,
            "callNumber": context.call_number.get("callNumber"),
            "callNumberComponents": context.call_number_without_type,
            "materialType": name_only(library.material_types, item.get("materialTypeId")),
            "contributors": context.contributors,
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": context.instance.get("id"),
            "barcode": item.get("barcode"),
            "effectiveLocation": name_only(library.locations, context.location.get("id")),
            "permanentLoanType": id_and_name(library.loan_types, item.get("permanentLoanTypeId")),
            "temporaryLoanType": id_and_name(library.loan_types, item.get("temporaryLoanTypeId")),
            "status": item.get("status"),
            "enumeration": item.get("enumeration"),
            "chronology": item.get("chronology"),
            "volume": item.get("volume"),
            "displaySummary": item.get("displaySummary"),
            "copyNumber": context.copy_number,
            **transit_destination(library, item),
            "accessionNumber": item.get("accessionNumber"),
        }
    )
