"""The records as the services show them: every declared field, no other field, no null."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.sandbox import Library

pytestmark = pytest.mark.anyio

Search = Callable[..., Awaitable[list[dict[str, Any]]]]
EVERYTHING = "cql.allRecords=1"

LOAN = """id userId borrower.firstName borrower.lastName borrower.middleName borrower.barcode
borrower.preferredFirstName borrower.patronGroup proxyUserId itemId loanPolicyId loanPolicy.name
overdueFinePolicyId overdueFinePolicy.name lostItemPolicyId lostItemPolicy.name item
itemEffectiveLocationIdAtCheckOut status.name loanDate dueDate returnDate systemReturnDate action
actionComment renewalCount dueDateChangedByRecall dueDateChangedByNearExpireUser
dueDateChangedByHold checkoutServicePointId checkinServicePointId checkoutServicePoint.name
checkoutServicePoint.code checkoutServicePoint.discoveryDisplayName checkoutServicePoint.description
checkoutServicePoint.shelvingLagTime checkoutServicePoint.pickupLocation
checkoutServicePoint.holdShelfClosedLibraryDateManagement checkinServicePoint.name
patronGroupAtCheckout.id patronGroupAtCheckout.name feesAndFines.amountRemainingToPay
declaredLostDate isDcb metadata.createdDate metadata.createdByUserId metadata.createdByUsername
metadata.updatedDate metadata.updatedByUserId metadata.updatedByUsername"""
LOAN_ITEM = """id tenantId title callNumber callNumberComponents.callNumber callNumberComponents.prefix
callNumberComponents.suffix copyNumber editions materialType.name contributors.name
primaryContributor holdingsRecordId instanceId instanceHrid barcode location.name status.name
status.date enumeration chronology volume displaySummary datesOfPublication accessionNumber
physicalDescriptions"""
REQUEST = """id requestType requestLevel ecsRequestPhase requestDate patronComments requesterId proxyUserId
instanceId holdingsRecordId itemId status cancellationReasonId cancelledByUserId
cancellationAdditionalInformation cancelledDate position instance.title instance.identifiers.value
instance.identifiers.identifierTypeId instance.contributorNames.name instance.publication.publisher
instance.publication.place instance.publication.dateOfPublication instance.publication.role
instance.editions item.barcode item.location.name item.location.libraryName item.location.code
item.enumeration item.volume item.chronology item.displaySummary item.status item.callNumber
item.callNumberComponents.callNumber item.copyNumber item.itemEffectiveLocationId
item.itemEffectiveLocationName item.retrievalServicePointId item.retrievalServicePointName
item.loanTypeId item.loanTypeName requester.firstName requester.lastName requester.middleName
requester.barcode requester.patronGroupId requester.patronGroup.id requester.patronGroup.group
requester.patronGroup.desc proxy.firstName proxy.lastName proxy.middleName proxy.barcode
proxy.patronGroupId proxy.patronGroup.group fulfillmentPreference deliveryAddressTypeId
deliveryAddress.addressLine1 deliveryAddress.addressLine2 deliveryAddress.city
deliveryAddress.region deliveryAddress.postalCode deliveryAddress.countryId
deliveryAddress.addressTypeId requestExpirationDate holdShelfExpirationDate pickupServicePointId
pickupServicePoint.name pickupServicePoint.code pickupServicePoint.discoveryDisplayName
pickupServicePoint.description pickupServicePoint.shelvingLagTime pickupServicePoint.pickupLocation
tags.tagList metadata.createdDate batchRequestInfo.batchRequestId
batchRequestInfo.batchRequestSubmittedAt"""
INSTANCE = """id tenantId shared hrid source statisticalCodeIds statusId title indexTitle series.value
series.authorityId alternativeTitles.alternativeTitleTypeId alternativeTitles.alternativeTitle
alternativeTitles.authorityId identifiers.value identifiers.identifierTypeId contributors.name
contributors.contributorTypeId contributors.contributorTypeText contributors.contributorNameTypeId
contributors.authorityId contributors.primary subjects.value subjects.authorityId dates.dateTypeId
dates.date1 dates.date2 instanceTypeId instanceFormatIds languages metadata.createdDate
administrativeNotes modeOfIssuanceId natureOfContentTermIds publication.publisher
publication.dateOfPublication publication.place staffSuppress discoverySuppress isBoundWith
tags.tagList classifications.classificationNumber classifications.classificationTypeId
electronicAccess.uri electronicAccess.linkText electronicAccess.materialsSpecification
electronicAccess.publicNote notes.note notes.staffOnly physicalDescriptions editions"""
SEARCH_HOLDING = """
id tenantId permanentLocationId discoverySuppress hrid sourceId formerIds statisticalCodeIds
tags.tagList holdingsTypeId callNumberPrefix callNumber callNumberSuffix copyNumber
electronicAccess.uri administrativeNotes notes.note notes.staffOnly metadata.createdDate"""
SEARCH_ITEM = """id tenantId title callNumber callNumberComponents.callNumber callNumberComponents.prefix
callNumberComponents.suffix materialType.name contributors.name holdingsRecordId instanceId barcode
effectiveLocation.name permanentLoanType.id permanentLoanType.name temporaryLoanType.id
temporaryLoanType.name status.name status.date enumeration chronology volume displaySummary
copyNumber inTransitDestinationServicePointId inTransitDestinationServicePoint.id
inTransitDestinationServicePoint.name accessionNumber"""
ITEM = """id _version hrid holdingsRecordId formerIds discoverySuppress displaySummary title
contributorNames.name callNumber barcode effectiveShelvingOrder accessionNumber itemLevelCallNumber
itemLevelCallNumberPrefix itemLevelCallNumberSuffix itemLevelCallNumberTypeId
effectiveCallNumberComponents.callNumber effectiveCallNumberComponents.prefix
effectiveCallNumberComponents.suffix effectiveCallNumberComponents.typeId volume enumeration
chronology yearCaption itemIdentifier copyNumber numberOfPieces descriptionOfPieces
numberOfMissingPieces missingPieces missingPiecesDate itemDamagedStatusId itemDamagedStatusDate
administrativeNotes notes.itemNoteTypeId notes.note notes.staffOnly circulationNotes.noteType
circulationNotes.note circulationNotes.staffOnly circulationNotes.source.id
circulationNotes.source.personal.lastName circulationNotes.source.personal.firstName
circulationNotes.date status.name status.date materialType.id materialType.name isBoundWith
boundWithTitles.briefHoldingsRecord.id boundWithTitles.briefHoldingsRecord.hrid
boundWithTitles.briefInstance.id boundWithTitles.briefInstance.hrid
boundWithTitles.briefInstance.title permanentLoanType.id permanentLoanType.name temporaryLoanType.id
temporaryLoanType.name permanentLocation.id permanentLocation.name temporaryLocation.id
temporaryLocation.name effectiveLocation.id effectiveLocation.name electronicAccess.uri
electronicAccess.linkText electronicAccess.materialsSpecification electronicAccess.publicNote
electronicAccess.relationshipId inTransitDestinationServicePointId statisticalCodeIds
purchaseOrderLineIdentifier metadata.createdDate tags.tagList lastCheckIn.dateTime
lastCheckIn.servicePointId lastCheckIn.staffMemberId"""
USER = """username id externalSystemId barcode active type patronGroup departments meta proxyFor
personal.lastName personal.firstName personal.middleName personal.preferredFirstName personal.email
personal.phone personal.mobilePhone personal.dateOfBirth personal.addresses.id
personal.addresses.countryId personal.addresses.addressLine1 personal.addresses.addressLine2
personal.addresses.city personal.addresses.region personal.addresses.postalCode
personal.addresses.addressTypeId personal.addresses.primaryAddress personal.preferredContactTypeId
personal.profilePictureLink enrollmentDate expirationDate createdDate updatedDate
metadata.createdDate tags.tagList customFields preferredEmailCommunication"""
SERVICE_POINT = """id name code discoveryDisplayName description shelvingLagTime pickupLocation
holdShelfExpiryPeriod.duration holdShelfExpiryPeriod.intervalId holdShelfClosedLibraryDateManagement
staffSlips.id staffSlips.printByDefault ecsRequestRouting metadata.createdDate"""
FULL_INSTANCE = """
id _version hrid source title indexTitle alternativeTitles.alternativeTitle editions series.value
identifiers.value contributors.name subjects.value classifications.classificationNumber
publication.publisher publication.role publicationFrequency publicationRange electronicAccess.uri
electronicAccess.relationshipId dates.date1 instanceTypeId instanceFormatIds physicalDescriptions
languages notes.note notes.instanceNoteTypeId modeOfIssuanceId catalogedDate statisticalCodeIds
statusId statusUpdatedDate tags.tagList natureOfContentTermIds precedingTitles.title
metadata.createdDate administrativeNotes staffSuppress discoverySuppress isBoundWith"""


def paths(value: object, before: str = "") -> set[str]:
    """Every dotted path that has a value in some record."""
    if isinstance(value, list):
        return set().union(*(paths(each, before) for each in value))
    if not isinstance(value, dict):
        return {before}
    prefix = before + "." if before else ""
    inside = set().union(*(paths(each, prefix + name) for name, each in value.items()))
    return inside | ({before} if before else set())


def nulls(value: object) -> int:
    if isinstance(value, list):
        return sum(map(nulls, value))
    if isinstance(value, dict):
        return sum(map(nulls, value.values()))
    return value is None


TITLES = "boundWithTitles"
ONLY_SINGLE = {
    "/inventory/items": {
        TITLES,
        *(f"{TITLES}.briefHoldingsRecord{each}" for each in ("", ".id", ".hrid")),
        *(f"{TITLES}.briefInstance{each}" for each in ("", ".id", ".hrid", ".title")),
    }
}
"""Members of single records that lists leave out."""


async def test_the_titles_of_a_bound_item_come_with_the_single_item(
    client: httpx.AsyncClient, search: Search
) -> None:
    """A list says that an item is bound with others, and the single item has their titles."""
    (item,) = [each for each in await search("/inventory/items", EVERYTHING) if each["isBoundWith"]]
    single = (await client.get(f"/inventory/items/{item['id']}")).json()

    assert paths(single) - paths(item) == ONLY_SINGLE["/inventory/items"]
    assert single[TITLES][0]["briefHoldingsRecord"]["id"] == item["holdingsRecordId"]
    assert len(single[TITLES]) == 2


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/circulation-bff/loans", LOAN),
        ("/circulation-bff/requests", REQUEST),
        ("/inventory/items", ITEM),
        ("/users", USER),
        ("/service-points", SERVICE_POINT),
        ("/inventory/instances", FULL_INSTANCE),
    ],
)
async def test_every_declared_field_occurs_and_none_is_null(search: Search, path: str, fields: str) -> None:
    """Every declared field has a value in some record, and no field is null."""
    rows = await search(path, EVERYTHING)

    assert set(fields.split()) - paths(rows) == ONLY_SINGLE.get(path, set()) & set(fields.split())
    assert nulls(rows) == 0


async def test_every_declared_field_of_a_loans_item(search: Search) -> None:
    """The item of a loan has its own set of fields."""
    items = [loan["item"] for loan in await search("/circulation/loans", EVERYTHING) if "item" in loan]
    assert set(LOAN_ITEM.split()) - paths(items) == set()


async def test_every_declared_field_of_a_search_result(client: httpx.AsyncClient, library: Library) -> None:
    """The search result has holdings and items in the instance."""
    path = "/circulation-bff/requests/search-instances"
    numbers = ("in00000001", "in00000006", "in00000011", "in00000025")
    instances = [(await client.get(path, params={"query": f"hrid=={hrid}"})).json() for hrid in numbers]

    assert set(INSTANCE.split()) - paths(instances) == set()
    assert set(SEARCH_HOLDING.split()) - paths([each["holdings"] for each in instances]) == set()
    assert set(SEARCH_ITEM.split()) - paths([each["items"] for each in instances]) == set()
    assert nulls(instances) == 0
    assert all("id" not in item["effectiveLocation"] for each in instances for item in each["items"])


async def test_bff_omits_fields_of_loans(search: Search) -> None:
    """Fields that its types do not declare are present at mod-circulation and absent at the BFF."""
    lost = {"forUseAtLocation", "reminders", "claimedReturnedDate"}
    bff, direct = (
        await search("/circulation-bff/loans", EVERYTHING),
        await search("/circulation/loans", EVERYTHING),
    )

    assert not lost & set().union(*bff)
    assert lost <= set().union(*direct)


async def test_bff_omits_fields_of_requests_and_adds_the_batch(search: Search) -> None:
    """The due date of the item's loan is among the omitted fields."""
    lost = {
        "loan",
        "printDetails",
        "itemLocationCode",
        "isDcbReRequestCancellation",
        "awaitingPickupRequestClosedDate",
    }
    bff = await search("/circulation-bff/requests", EVERYTHING)
    direct = await search("/circulation/requests", EVERYTHING)

    assert not lost & set().union(*bff)
    assert lost <= set().union(*direct)
    assert sum("batchRequestInfo" in request for request in bff) == 3
    assert not any("batchRequestInfo" in request for request in direct)
    assert all("dueDate" in request["loan"] for request in direct if "loan" in request)


async def test_bff_reformats_dates(search: Search) -> None:
    """Its dates have milliseconds and an offset in every case."""
    query = 'status.name=="Closed" sortby loanDate'
    bff = {loan["id"]: loan for loan in await search("/circulation-bff/loans", query)}
    direct = await search("/circulation/loans", query)
    (short,) = [loan for loan in direct if loan["loanDate"].endswith("Z")]

    assert bff[short["id"]]["loanDate"] == short["loanDate"].replace("Z", ".000+00:00")


async def test_anonymized_and_dangling_references(search: Search) -> None:
    """An anonymized loan has no user; a deleted user or item leaves an id without a summary."""
    loans = await search("/circulation-bff/loans", EVERYTHING)
    anonymized = [loan for loan in loans if "userId" not in loan]
    dangling = [loan for loan in loans if "userId" in loan and "borrower" not in loan]
    requests = await search("/circulation-bff/requests", EVERYTHING)

    assert len(anonymized) == 19
    assert all("borrower" not in loan and loan["status"]["name"] == "Closed" for loan in anonymized)
    assert [loan["status"]["name"] for loan in dangling] == ["Open"]
    assert len([loan for loan in loans if "item" not in loan]) == 1
    assert all("requester" not in request for request in requests if "requesterId" not in request)
    assert sum("requesterId" not in request for request in requests) == 10


async def test_bff_item_by_barcode(client: httpx.AsyncClient, search: Search) -> None:
    """The BFF extracts a barcode from the query and supports no other query."""
    path = "/circulation-bff/inventory/items"
    hit = (await client.get(path, params={"query": 'barcode=="2000000001"'})).json()
    miss = (await client.get(path, params={"query": 'barcode=="a" or barcode=="b"'})).json()

    assert hit == {"items": await search("/inventory/items", "barcode==2000000001"), "totalRecords": 1}
    assert miss == {"items": [], "totalRecords": 0}
    assert (await client.get(path)).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        'items.barcode=="2000000001"',
        'item.barcode=="2000000161"',
        "isbn==9780000000000",
        'title=="Pride and Prejudice"',
        '("hrid"=="in00000001" or "id"=="in00000001")',
        'keyword all "austen pride"',
    ],
)
async def test_search_returns_the_first_instance(client: httpx.AsyncClient, query: str) -> None:
    """The first match is returned alone, with its items."""
    path = "/circulation-bff/requests/search-instances"
    instance = (await client.get(path, params={"query": query})).json()

    assert instance["title"] == "Pride and Prejudice"
    assert sorted(item["barcode"] for item in instance["items"]) == ["2000000001", "2000000161"]


async def test_search_without_a_match(client: httpx.AsyncClient) -> None:
    """No match is an empty object, and an unknown index an error in JSON."""
    path = "/circulation-bff/requests/search-instances"
    nothing = await client.get(path, params={"query": "hrid==nothing"})
    unknown = await client.get(path, params={"query": "shoe-size==44"})

    assert (nothing.status_code, nothing.text) == (200, "{}")
    assert unknown.status_code == 400
    assert unknown.json()["errors"][0]["code"] == "validation_error"
    assert (await client.get(path)).status_code == 400


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("/circulation/requests", 'requester.barcode=="1000000121"', 1),
        ("/circulation/requests", 'item.barcode=="2000000031"', 2),
        ("/circulation/requests", 'instance.title="moby"', 0),
        (
            "/circulation/requests",
            'searchIndex.pickupServicePointName=="Circ Desk 1" and status=="Open*"',
            19,
        ),
        ("/circulation/requests", 'fullCallNumberIndex=="Oversize*v.1" and status=="Open*"', 13),
        ("/circulation/requests", "itemIsbn==9780000000030", 3),
        ("/circulation/requests", 'proxy.barcode=="1000000009"', 2),
        ("/circulation/loans", 'forUseAtLocation.status="Held"', 1),
        ("/users", 'personal.lastName=="Garcia"', 7),
        ("/users", 'patronGroup.group=="visitor"', 1),
        ("/users", 'keywords="reader77"', 1),
        ("/users", "type==system", 1),
        ("/inventory/items", 'instance.title=="Middlemarch"', 2),
        ("/inventory/items", 'holdingsRecords.callNumber=="P1000*"', 2),
        ("/inventory/items", 'status.name=="Withdrawn"', 1),
        ("/inventory/items", 'barcode=="A\\*B\\?C"', 1),
        ("/inventory/items", 'barcode=="the \\"quoted\\" one"', 1),
        ("/inventory/items", 'barcode=="back\\\\slash\\^"', 1),
        ("/inventory/items", 'cql.allRecords=1 NOT barcode=""', 1),
        ("/holdings-storage/holdings", 'instance.title=="Pride and Prejudice"', 1),
    ],
)
async def test_indexes_of_related_records(search: Search, path: str, query: str, count: int) -> None:
    """Queries cover FOLIO's indexes, not only the fields of the stored record."""
    assert len(await search(path, query)) == count


async def test_effective_location(search: Search) -> None:
    """The temporary location takes precedence over the permanent one, and the item's over the holdings'."""
    (item,) = await search("/inventory/items", "barcode==2000000161")
    (other,) = await search("/inventory/items", "barcode==2000000001")

    assert item["permanentLocation"]["name"] == "Second Floor"
    assert item["temporaryLocation"] == item["effectiveLocation"]
    assert item["effectiveLocation"]["name"] == "Popular Reading"
    assert other["effectiveLocation"]["name"] == "Main Library"


async def test_fees_of_a_loan(search: Search) -> None:
    """Only open amounts are added up."""
    loans = await search("/circulation-bff/loans", 'status.name=="Open"')
    amounts = [loan["feesAndFines"]["amountRemainingToPay"] for loan in loans]
    assert sorted(amounts)[-5:] == [0, 7.25, 7.25, 7.25, 7.25]
