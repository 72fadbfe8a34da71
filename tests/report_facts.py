"""Facts of FOLIO's published schemas of the reports of circulation: the members of their elements.

From items-in-transit.json of mod-circulation, with what its ItemsInTransitReport writes beyond that; and from
request.json of mod-circulation-storage, with the item that RequestRepresentation of mod-circulation adds to a
stored request. The notation is that of `fee_fine_facts`.
"""

from __future__ import annotations

from tests.fee_fine_facts import RECORD_METADATA

_PERSON = "{0}.firstName:text {0}.lastName:text {0}.middleName:text {0}.barcode:text"
_CALL_NUMBER = "{0}.callNumber:text {0}.prefix:text {0}.suffix:text"

ITEM_IN_TRANSIT = (
    "id:uuid title:text barcode:text contributors[].name:text callNumber:text enumeration:text volume:text "
    "displaySummary:text yearCaption[]:text status.name:text inTransitDestinationServicePointId:uuid "
    "inTransitDestinationServicePoint.id:uuid inTransitDestinationServicePoint.name:text location.name:text "
    "location.libraryName:text location.code:text request.requestType:text request.requestDate:date "
    "request.requestExpirationDate:date request.requestPickupServicePointName:text "
    "request.requestPatronGroup:text request.tags[]:text loan.checkInServicePoint.name:text "
    "loan.checkInServicePoint.code:text loan.checkInServicePoint.discoveryDisplayName:text "
    "loan.checkInServicePoint.description:text loan.checkInServicePoint.shelvingLagTime:integer "
    "loan.checkInServicePoint.pickupLocation:boolean loan.checkInDateTime:date lastCheckIn.dateTime:date "
    "lastCheckIn.servicePoint.id:uuid lastCheckIn.servicePoint.name:text copyNumber:text "
    + _CALL_NUMBER.format("effectiveCallNumberComponents")
)

REQUEST_ON_SHELF = (
    "id:uuid requestLevel:text requestType:text ecsRequestPhase:text requestDate:date patronComments:text "
    "requesterId:uuid proxyUserId:uuid instanceId:uuid holdingsRecordId:uuid itemId:uuid status:text "
    "cancellationReasonId:uuid cancelledByUserId:uuid cancellationAdditionalInformation:text "
    "cancelledDate:date position:integer instance.title:text instance.identifiers[].value:text "
    "instance.identifiers[].identifierTypeId:uuid item.barcode:text item.itemEffectiveLocationId:uuid "
    "item.itemEffectiveLocationName:text item.retrievalServicePointId:uuid "
    "item.retrievalServicePointName:text item.location.name:text item.location.libraryName:text "
    "item.location.code:text item.enumeration:text item.volume:text item.chronology:text "
    "item.displaySummary:text item.loanTypeId:uuid item.loanTypeName:text item.status:text "
    f"item.callNumber:text item.copyNumber:text {_CALL_NUMBER.format('item.callNumberComponents')} "
    f"{_PERSON.format('requester')} fulfillmentPreference:text deliveryAddressTypeId:uuid "
    "requestExpirationDate:date holdShelfExpirationDate:date pickupServicePointId:uuid tags.tagList[]:text "
    "printDetails.printCount:integer printDetails.requesterId:uuid printDetails.isPrinted:boolean "
    "printDetails.printEventDate:date awaitingPickupRequestClosedDate:date itemLocationCode:text "
    f"isDcbReRequestCancellation:boolean {RECORD_METADATA}"
)
