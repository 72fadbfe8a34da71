"""The context of a staff slip: an item, the request it fills and the requester, as display text."""

from __future__ import annotations

from gateway.sandbox.collections.embedded_items import circulation_status, dates_of_publication
from gateway.sandbox.collections.item_context import effective_loan_type_id, get_item_context
from gateway.sandbox.collections.requests import get_delivery_address
from gateway.sandbox.collections.users import get_group
from gateway.sandbox.http.request import omit_nulls
from gateway.sandbox.library import Library, Record

COUNTRIES = {"US": "United States", "DE": "Germany", "SE": "Sweden", "DK": "Denmark"}


def slip_context(library: Library, item: Record, request: Record | None) -> Record:
    slip = {"item": item_text(library, item), "currentDateTime": library.now()}
    if request is None:
        return slip
    slip["request"] = request_text(library, request)
    user = library.users.get(request.get("requesterId", ""))
    if user is not None:
        slip["requester"] = requester_text(library, user, get_delivery_address(library, request))
    return slip


def item_text(library: Library, item: Record) -> Record:
    context = get_item_context(library, item)
    call_number = context.call_number
    last = item.get("lastCheckIn", {})
    return omit_nulls(
        {
            "title": context.title,
            "primaryContributor": context.primary_contributor,
            "allContributors": "; ".join(person["name"] for person in context.contributors),
            "barcode": item.get("barcode"),
            "status": circulation_status(item)["name"],
            "enumeration": item.get("enumeration"),
            "volume": item.get("volume"),
            "chronology": item.get("chronology"),
            "yearCaption": "; ".join(item.get("yearCaption", [])),
            "materialType": get_name(library.material_types, item.get("materialTypeId")),
            "loanType": get_name(library.loan_types, effective_loan_type_id(item)),
            "copy": context.copy_number,
            "numberOfPieces": item.get("numberOfPieces"),
            "displaySummary": item.get("displaySummary"),
            "descriptionOfPieces": item.get("descriptionOfPieces"),
            **location_text(library, context.location),
            "callNumber": call_number.get("callNumber"),
            "callNumberPrefix": call_number.get("prefix"),
            "callNumberSuffix": call_number.get("suffix"),
            "shelvingOrder": item.get("effectiveShelvingOrder"),
            "accessionNumber": item.get("accessionNumber"),
            "administrativeNotes": "; ".join(item.get("administrativeNotes", [])),
            "instanceHrid": context.instance.get("hrid"),
            "datesOfPublication": "; ".join(dates_of_publication(context.instance) or []),
            "editions": "; ".join(context.instance.get("editions", [])),
            "physicalDescriptions": "; ".join(context.instance.get("physicalDescriptions", [])),
            "seriesStatements": "; ".join(each["value"] for each in context.instance.get("series", [])),
            "lastCheckedInDateTime": last.get("dateTime"),
            "fromServicePoint": get_name(library.service_points, last.get("servicePointId")),
            "toServicePoint": get_name(
                library.service_points, item.get("inTransitDestinationServicePointId")
            ),
        }
    )


def location_text(library: Library, location: Record) -> Record:
    return {
        "effectiveLocationSpecific": location.get("name"),
        "effectiveLocationLibrary": get_name(library.libraries, location.get("libraryId")),
        "effectiveLocationCampus": get_name(library.campuses, location.get("campusId")),
        "effectiveLocationInstitution": get_name(library.institutions, location.get("institutionId")),
        "effectiveLocationDiscoveryDisplayName": location.get("discoveryDisplayName"),
        "effectiveLocationPrimaryServicePointName": get_name(
            library.service_points, location.get("primaryServicePoint")
        ),
    }


def get_name(records: dict[str, Record], key: str | None) -> str | None:
    name: str | None = records.get(key or "", {}).get("name")
    return name


def request_text(library: Library, request: Record) -> Record:
    kind = library.address_types.get(request.get("deliveryAddressTypeId", ""), {})
    return omit_nulls(
        {
            "requestID": request["id"],
            "servicePointPickup": get_name(library.service_points, request.get("pickupServicePointId")),
            "requestDate": request.get("requestDate"),
            "requestExpirationDate": request.get("requestExpirationDate"),
            "holdShelfExpirationDate": request.get("holdShelfExpirationDate"),
            "additionalInfo": request.get("cancellationAdditionalInformation"),
            "reasonForCancellation": get_name(
                library.cancellation_reasons, request.get("cancellationReasonId")
            ),
            "deliveryAddressType": kind.get("addressType"),
            "patronComments": request.get("patronComments"),
        }
    )


def requester_text(library: Library, user: Record, delivery: Record | None) -> Record:
    personal = user.get("personal", {})
    departments = (get_name(library.departments, key) for key in user.get("departments", []))
    names = {
        name: personal.get(name) for name in ("firstName", "preferredFirstName", "lastName", "middleName")
    }
    return omit_nulls(
        {
            **names,
            "barcode": user.get("barcode"),
            "patronGroup": get_group(library, user).get("group"),
            "departments": "; ".join(name for name in departments if name),
            **primary_address(library, personal),
            **delivery_text(library, delivery),
        }
    )


def primary_address(library: Library, personal: Record) -> Record:
    address = next((each for each in personal.get("addresses", []) if each.get("primaryAddress")), None)
    if address is None:
        return {}
    return {
        "primaryDeliveryAddressType": address_type(library, address),
        "primaryAddressLine1": address.get("addressLine1"),
        "primaryAddressLine2": address.get("addressLine2"),
        "primaryCity": address.get("city"),
        "primaryStateProvRegion": address.get("region"),
        "primaryZipPostalCode": address.get("postalCode"),
        "primaryCountry": COUNTRIES.get(address.get("countryId", ""), address.get("countryId")),
    }


def delivery_text(library: Library, address: Record | None) -> Record:
    if address is None:
        return {}
    lines = {
        name: address.get(name) for name in ("addressLine1", "addressLine2", "city", "region", "postalCode")
    }
    return {"addressType": address_type(library, address), **lines, "countryId": address.get("countryId")}


def address_type(library: Library, address: Record) -> str | None:
    name: str | None = library.address_types.get(address.get("addressTypeId", ""), {}).get("addressType")
    return name
