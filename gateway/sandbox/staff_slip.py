"""What staff print: an item, the request it fills and the person who waits, as display text."""

from __future__ import annotations

from gateway.sandbox.exchange import without_nulls
from gateway.sandbox.item import copy_of, loan_type_id_of
from gateway.sandbox.library import Library, Record
from gateway.sandbox.request import address_of
from gateway.sandbox.user import group_of

COUNTRIES = {"US": "United States", "DE": "Germany", "SE": "Sweden", "DK": "Denmark"}


def slip(library: Library, item: Record, request: Record | None) -> Record:
    context = {"item": item_text(library, item), "currentDateTime": library.now()}
    if request is None:
        return context
    context["request"] = request_text(library, request)
    user = library.users.get(request.get("requesterId", ""))
    if user is not None:
        context["requester"] = requester_text(library, user, address_of(library, request))
    return context


def item_text(library: Library, item: Record) -> Record:
    copy = copy_of(library, item)
    call_number = copy.call_number
    last = item.get("lastCheckIn", {})
    return without_nulls(
        {
            "title": copy.title,
            "primaryContributor": copy.primary_contributor,
            "allContributors": "; ".join(person["name"] for person in copy.contributors),
            "barcode": item.get("barcode"),
            "status": item["status"]["name"],
            "enumeration": item.get("enumeration"),
            "volume": item.get("volume"),
            "chronology": item.get("chronology"),
            "yearCaption": "; ".join(item.get("yearCaption", [])),
            "materialType": name_in(library.material_types, item.get("materialTypeId")),
            "loanType": name_in(library.loan_types, loan_type_id_of(item)),
            "copy": copy.copy_number,
            "numberOfPieces": item.get("numberOfPieces"),
            "displaySummary": item.get("displaySummary"),
            "descriptionOfPieces": item.get("descriptionOfPieces"),
            **place_text(library, copy.location),
            "callNumber": call_number.get("callNumber"),
            "callNumberPrefix": call_number.get("prefix"),
            "callNumberSuffix": call_number.get("suffix"),
            "lastCheckedInDateTime": last.get("dateTime"),
            "fromServicePoint": name_in(library.service_points, last.get("servicePointId")),
            "toServicePoint": name_in(library.service_points, item.get("inTransitDestinationServicePointId")),
        }
    )


def place_text(library: Library, location: Record) -> Record:
    return {
        "effectiveLocationSpecific": location.get("name"),
        "effectiveLocationLibrary": name_in(library.libraries, location.get("libraryId")),
        "effectiveLocationCampus": name_in(library.campuses, location.get("campusId")),
        "effectiveLocationInstitution": name_in(library.institutions, location.get("institutionId")),
        "effectiveLocationDiscoveryDisplayName": location.get("discoveryDisplayName"),
        "effectiveLocationPrimaryServicePointName": name_in(
            library.service_points, location.get("primaryServicePoint")
        ),
    }


def name_in(shelved: dict[str, Record], key: str | None) -> str | None:
    name: str | None = shelved.get(key or "", {}).get("name")
    return name


def request_text(library: Library, request: Record) -> Record:
    kind = library.address_types.get(request.get("deliveryAddressTypeId", ""), {})
    return without_nulls(
        {
            "requestID": request["id"],
            "servicePointPickup": name_in(library.service_points, request.get("pickupServicePointId")),
            "requestDate": request.get("requestDate"),
            "requestExpirationDate": request.get("requestExpirationDate"),
            "holdShelfExpirationDate": request.get("holdShelfExpirationDate"),
            "additionalInfo": request.get("cancellationAdditionalInformation"),
            "reasonForCancellation": name_in(
                library.cancellation_reasons, request.get("cancellationReasonId")
            ),
            "deliveryAddressType": kind.get("addressType"),
            "patronComments": request.get("patronComments"),
        }
    )


def requester_text(library: Library, user: Record, delivery: Record | None) -> Record:
    personal = user.get("personal", {})
    departments = (name_in(library.departments, key) for key in user.get("departments", []))
    names = {
        name: personal.get(name) for name in ("firstName", "preferredFirstName", "lastName", "middleName")
    }
    return without_nulls(
        {
            **names,
            "barcode": user.get("barcode"),
            "patronGroup": group_of(library, user).get("group"),
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
