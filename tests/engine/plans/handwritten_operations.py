"""Handwritten operations for the edge cases of plans, over the records of the filled sandbox."""

from __future__ import annotations

from typing import Any

Json = Any  # values of variables are JSON

HANDWRITTEN: tuple[tuple[str, Json], ...] = (
    # Several roots over the same loaders.
    ("{ a: loans { nodes { borrower { personal { email } } } } b: users { nodes { id type } } c: loans { "
     "nodes { borrower { username } proxy { username } } } }", {}),
    ("{ requests { nodes { requester { username } } } loans { nodes { borrower { username openRequests(first:"
     " 3) { nodes { requester { username } } } } } } }", {}),
    ("{ a: patronGroups { nodes { group } } users { nodes { patronGroup { group desc } } } }", {}),
    ("{ servicePoints { nodes { name } } loans { nodes { checkoutServicePoint { name code description } } }"
     " locations { nodes { primaryServicePoint { code } servicePoints { code name } } } }", {}),
    ("{ no: loan(id: \"7c9e6679-7425-40de-944b-000000000001\") { id } bad: loan(id: \"x\") { id } "
     "loans(first: 2) { nodes { id } } none: user(barcode: \"nobody\") { id } }", {}),
    # The same link by different paths, and under two names.
    ("{ loans { nodes { id a: borrower { username } b: borrower { personal { email } openLoans { nodes { id "
     "borrower { username } } } } } } }", {}),
    ("{ requests { nodes { requester { username } proxy { username } item { openLoan { borrower { username "
     "} } } } } }", {}),
    ("{ loans { nodes { item { holdings { instance { id } } instance { title hrid } } instance { "
     "title hrid } "
     "loanItem { instance { hrid title source } } } } }", {}),
    ("{ loans { nodes { borrower { id } item { id barcode } } edges { cursor node { borrower { username } "
     "item { copyNumber } } } pageInfo { hasNextPage endCursor } totalCount } }", {}),
    # Values embedded in the parent, also those of links further down.
    ("{ loans { nodes { item { instance { id title } } } } }", {}),
    ("{ loans { nodes { item { instance { title hrid } barcode } } } }", {}),
    ("{ loans { nodes { item { materialType { name } effectiveLocation { name } holdings { id } "
     "inTransitDestinationServicePoint { name } } } } }", {}),
    ("{ requests { nodes { item { instance { title } } requester { patronGroup { group } } instance { title "
     "} } } }", {}),
    # Conditions, on links, fragments and roots.
    *(
        ("query($yes: Boolean! = true, $no: Boolean = false) { loans { nodes { id @include(if: "
         "$yes) borrower @skip("
         "if: $no) { username } ...F @include(if: $yes) ... @skip(if: $no) { renewalCount status { name } } "
         "} } other: users @include(if: $yes) { totalCount } } fragment F on Loan { item @include(if: $yes) "
         "{ barcode title hrid @skip(if: $no) } }", values)
        for values in ({}, {"no": True}, {"yes": False, "no": False},
                       {"no": None}, {"yes": False, "no": True})
    ),
    ("query($no: Boolean = false) { loans { nodes { borrower { username @include(if: $no) } } } }",
     {"no": True}),
    ("query($no: Boolean = false) { loans { nodes { borrower { username @include(if: $no) id } } } }", {}),
    # Names: aliases that are names of others, `__typename` at every level, members in another order.
    ("{ __typename loans { __typename nodes { __typename id: action action: id status { __typename } "
     "borrower { __typename personal { __typename } } } pageInfo { __typename } edges { __typename node { "
     "__typename } } } again: __typename }", {}),
    ("{ first: __typename loans(first: 1) { nodes { id } } last: __typename }", {}),
    ("{ users { nodes { personal { lastName firstName } barcode id } } }", {}),
    ("{ users { nodes { id barcode personal { lastName firstName } } } }", {}),
    ("{ users { nodes { id personal { lastName } personal { firstName } ... { personal { email addresses { "
     "city addressLine1 } } } } } }", {}),
    # Connections in connections, with arguments and variables.
    ("query($n: Int!, $first: Int = 3) { users(first: $n) { nodes { id openLoans(first: $first) { totalCount "
     "pageInfo { hasNextPage } nodes { id accounts(first: 2) { totalCount nodes { amount remaining "
     "} } } } a: "
     "openLoans(first: 1, sort: [{ field: DUE_DATE }]) { nodes { dueDate } } } } }", {"n": 12}),
    ("query($s: [RequestStatus!], $after: String) { instances(first: 20) { nodes { id openRequests(filter: { "
     "status: $s }, after: $after) { nodes { position status requester { barcode } } edges "
     "{ cursor } } } } }",
     {"s": ["OPEN_NOT_YET_FILLED", "OPEN_AWAITING_PICKUP"]}),
    ("{ instances(first: 12) { nodes { items(first: 3) { nodes { barcode effectiveLocation { name } "
     "materialType { id name source } permanentLoanType { name } } } holdings { nodes { id } } } } }", {}),
    ("{ loans(first: 6) { nodes { history(first: 3) { nodes { operation loan { dueDate } staff { username } "
     "} } } } }", {}),
    # Invalid arguments, in links and at roots.
    ("{ loans(first: 5) { nodes { id borrower { openLoans(first: 5000) { nodes { id } } username } } } }",
     {}),
    ("query($n: Int) { loans(first: 5) { nodes { id accounts(first: $n) { nodes { id } } } } }", {"n": -1}),
    ("{ loans(first: 5000) { nodes { id } } users(first: 1) { nodes { id } } }", {}),
    ("{ loans(first: 4) { nodes { id accounts(after: \"nowhere\") { nodes { id } } } } }", {}),
    ("{ loans(cql: \"(((\") { nodes { id } } requests(cql: \"a sortby b\") { nodes { id } } }", {}),
    ("{ user { id } loan(id: \"\") { id } item(barcode: \"a\", id: \"b\") { id } }", {}),
    # Lists of enumerations, JSON, numbers.
    ("{ users { nodes { customFields departments { name code } preferredEmailCommunication personal { "
     "addresses { countryId } preferredContactTypeIds } tags { tagList } } } }", {}),
    ("{ accounts(first: 30) { nodes { amount remaining status { name } paymentStatus { name } loan { "
     "renewalCount } } totalCount } }", {}),
    ("{ users(first: 5) { nodes { accounts { amountRemaining totalCount nodes { remaining } } } } }", {}),
    ("{ users(first: 5) { nodes { id accounts(first: 0) { owed: amountRemaining } } } accounts(first: 2) { "
     "amountRemaining nodes { amount feeFineType metadata { createdDate } } } }", {}),
    # Lists below the records of a list of keys, of which nothing else is selected.
    ("{ locations(first: 4) { nodes { primaryServicePoint { pickupRequests(first: 1) { nodes { id } } } "
     "servicePoints { openLoans(first: 1) { nodes { id } } } } } }", {}),
    ("{ locations(first: 4) { nodes { servicePoints { id openLoans(first: 1) { nodes { dueDate } } } "
     "primaryServicePoint { id pickupRequests(first: 2) { nodes { id } } } } } }", {}),
    # Members that only one of the two interfaces sends.
    ("{ loans(first: 8) { nodes { id claimedReturnedDate reminders { __typename } borrower { openLoans { "
     "nodes { id claimedReturnedDate } } } } } }", {}),
    ("{ requests(first: 8) { nodes { id itemLocationCode requestItem { barcode } deliveryAddress { city "
     "addressType { addressType } } } } }", {}),
    # Dates in every position: of pages, of links, of single records, below members and in lists.
    ("{ loans { nodes { loanDate due: dueDate again: dueDate returnDate metadata { createdDate } "
     "changed: metadata { updatedDate } loanItem { status { date } } } } }", {}),
    ("{ loans(first: 9) { edges { cursor node { dueDate metadata { createdDate } borrower { expirationDate } "
     "item { status { date } lastCheckIn { dateTime } } } } nodes { systemReturnDate } } }", {}),
    ("{ loan(id: \"7c9e6679-7425-40de-944b-000000000001\") { loanDate metadata { createdDate } } "
     "users { nodes { enrollmentDate expirationDate metadata { updatedDate } openLoans(first: 3) { nodes { "
     "dueDate metadata { createdDate } } edges { node { loanDate } } } } } }", {}),
    ("{ requests { nodes { requestDate requestExpirationDate holdShelfExpirationDate metadata { createdDate "
     "} requester { expirationDate } proxy { expirationDate createdDate } item { status { date } "
     "circulationNotes { date } } } } }", {}),
    ("query($no: Boolean = true) { items { nodes { status { date @skip(if: $no) } lastCheckIn @skip(if: $no) "
     "{ dateTime } metadata { updatedDate createdDate @skip(if: $no) } } } }", {"no": False}),
    # Fields outside of plans, with resolvers that send requests.
    ("{ items(first: 4) { nodes { id allowedServicePoints(requesterBarcode: \"1000000001\") { hold { id name "
     "servicePoint { code } } page { name } } holdings { instance { id } } } } }", {}),
    ("{ items(first: 4) { nodes { id appliedPolicies(userBarcode: \"1000000001\") { loanPolicy { policy { "
     "name } appliedRuleConditions { loanTypeMatch } } noticePolicyMatches { circulationRuleLine policy { id "
     "} } patronGroup { group } loanType { id } } } } user(barcode: \"1000000001\") { barcode } }", {}),
    ("{ searchInstance(barcode: \"2000000001\") { title items { barcode holdings { id } } item(barcode: "
     "\"2000000001\") { barcode openLoan { dueDate } materialType { name } } openRequests { totalCount } } }",
     {}),
    ("{ servicePoints(first: 3) { nodes { name pickSlips { totalCount nodes { item { title copy barcode } "
     "request { request { id status requester { username } } } } } } } }", {}),
    ("{ users(first: 10) { nodes { id automatedBlocks { patronBlockCondition { id } } manualBlocks { nodes { "
     "desc } } sponsors { nodes { user { username } } } proxies { nodes { status } } requestPreference { "
     "holdShelf } } } }", {}),
    ("{ instances(first: 4) { nodes { requestQueue { totalCount nodes { position requester { username } } } "
     "} } }", {}),
    ("query($day: Date!) { servicePoints { nodes { code surroundingOpenings(date: $day) { previous { date "
     "open } current { allDay exceptionName openings { startTime endTime } } next { date } } openings(from: "
     "$day, to: \"2026-12-27\") { date open } } } }", {"day": "2026-12-22"}),
    ("{ calendars(first: 3) { totalCount nodes { startDate servicePoints { code } normalHours { startDay "
     "endDayText startTime } exceptions { endDate openings { startDate endTime } } metadata { updatedBy { "
     "username } } } pageInfo { hasNextPage } } }", {}),
    ("{ servicePoints { nodes { id openings(from: \"2026-12-22\", to: \"2026-12-21\") { date } } } }", {}),
    ("{ __schema { queryType { name } } loans(first: 1) { nodes { id } } }", {}),
)  # fmt: skip
