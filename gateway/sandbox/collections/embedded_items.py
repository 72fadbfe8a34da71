"""Items as loans, requests and searches embed them: three shapes of the same copy."""

from __future__ import annotations

from gateway.sandbox.collections.item_context import effective_loan_type_id, get_item_context
from gateway.sandbox.collections.items import id_and_name
from gateway.sandbox.collections.locations import get_library_name
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record


def loan_item(library: Library, item: Record) -> Record:
    """The item inside a loan and inside the answers of the desk."""
    copy = get_item_context(library, item)
    return omit_nulls(
        {
            "id": item["id"],
            "title": copy.title,
            "callNumber": copy.call_number.get("callNumber"),
            "callNumberComponents": copy.call_number_without_type,
            "copyNumber": copy.copy_number,
            "editions": copy.instance.get("editions"),
            "materialType": name_only(library.material_types, item.get("materialTypeId")),
            "contributors": copy.contributors,
            "primaryContributor": copy.primary_contributor,
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": copy.instance.get("id"),
            "instanceHrid": copy.instance.get("hrid"),
            "barcode": item.get("barcode"),
            "location": omit_nulls({"name": copy.location.get("name")}) or None,
            "status": item.get("status"),
            **transit_destination(library, item),
            "enumeration": item.get("enumeration"),
            "chronology": item.get("chronology"),
            "volume": item.get("volume"),
            "displaySummary": item.get("displaySummary"),
            "datesOfPublication": dates_of_publication(copy.instance),
            "accessionNumber": item.get("accessionNumber"),
            "physicalDescriptions": copy.instance.get("physicalDescriptions"),
        }
    )


def name_only(shelved: dict[str, Record], key: str | None) -> Record | None:
    name = shelved.get(key or "", {}).get("name")
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
    """The item inside a request: no id, and a status that is plain text."""
    copy = get_item_context(library, item)
    retrieval = copy.location.get("primaryServicePoint")
    loan_type = effective_loan_type_id(item)
    return omit_nulls(
        {
            "barcode": item.get("barcode"),
            "location": location_summary(library, copy.location),
            "enumeration": item.get("enumeration"),
            "volume": item.get("volume"),
            "chronology": item.get("chronology"),
            "displaySummary": item.get("displaySummary"),
            "status": item.get("status", {}).get("name"),
            "callNumber": copy.call_number.get("callNumber"),
            "callNumberComponents": copy.call_number_without_type,
            "copyNumber": copy.copy_number,
            "itemEffectiveLocationId": copy.location.get("id"),
            "itemEffectiveLocationName": copy.location.get("name"),
            "retrievalServicePointId": retrieval,
            "retrievalServicePointName": library.service_points.get(retrieval or "", {}).get("name"),
            "loanTypeId": loan_type,
            "loanTypeName": library.loan_types.get(loan_type or "", {}).get("name"),
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
    """The item inside an instance of the BFF's search; its location has a name but never an id."""
    copy = get_item_context(library, item)
    return omit_nulls(
        {
            "id": item["id"],
            "tenantId": library.tenant,
            "title": copy.title,
            "callNumber": copy.call_number.get("callNumber"),
            "callNumberComponents": copy.call_number_without_type,
            "materialType": name_only(library.material_types, item.get("materialTypeId")),
            "contributors": copy.contributors,
            "holdingsRecordId": item.get("holdingsRecordId"),
            "instanceId": copy.instance.get("id"),
            "barcode": item.get("barcode"),
            "effectiveLocation": name_only(library.locations, copy.location.get("id")),
            "permanentLoanType": id_and_name(library.loan_types, item.get("permanentLoanTypeId")),
            "temporaryLoanType": id_and_name(library.loan_types, item.get("temporaryLoanTypeId")),
            "status": item.get("status"),
            "enumeration": item.get("enumeration"),
            "chronology": item.get("chronology"),
            "volume": item.get("volume"),
            "displaySummary": item.get("displaySummary"),
            "copyNumber": copy.copy_number,
            **transit_destination(library, item),
            "accessionNumber": item.get("accessionNumber"),
        }
    )
