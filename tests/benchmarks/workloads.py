"""The workloads: each is a GraphQL request, and the address of its handwritten counterpart.

* W1: one loan, 8 scalars; 1 upstream call.
* W2: 100 loans, 25 fields that the loan contains itself; 1 call.
* W2x10: the same of 1,000 loans.
* W3: 100 loans with full user, service point and title, of which 40, 5 and 60 are distinct; 4 calls.
* W4: 100 requests with full requester, proxy, pickup point, title and item, all distinct; 10 calls.
* W5: a check-out; 1 call.
* W6: 100 loans with the embedded members of borrower, item and service point; 1 call, but 5 for a client that
  follows each link.
* W7: 100 loans, 25 fields of which eight are foreign keys (`link { id }`); 1 call, but 6 for a client that
  follows each link. Front ends select keys in nearly every list, to build links and to find rows again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.benchmarks.records import LOANS, MANY_LOANS, Record, uid
from tests.benchmarks.upstream import check_out_of


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One request, in GraphQL and for an endpoint written for it.

    `most` is the target of the gateway: its CPU in proportion to that of the handwritten endpoint with
    orjson. One that is `alone` has one connection only. For one that is
    `first_seen`, new documents are measured too.
    """

    name: str
    title: str
    most: float | None = None
    alone: bool = False
    first_seen: bool = False
    query: str
    variables: Record = field(default_factory=dict)
    method: str = "GET"
    path: str
    body: Record | None = None


_FULL_USER = "id username barcode expirationDate personal { lastName firstName email }"
_FULL_DESK = "id name code holdShelfExpiryPeriod { duration intervalId }"
_FULL_TITLE = "id title hrid source"

_WIDE = """{ loans(first: %d) { nodes {
    id loanDate dueDate action actionComment renewalCount
    dueDateChangedByRecall dueDateChangedByHold dueDateChangedByNearExpireUser isDcb
    status { name } feesAndFines { amountRemainingToPay }
    metadata { createdDate updatedDate }
    loanItem {
        id title barcode callNumber copyNumber instanceHrid primaryContributor
        volume materialType { name } location { name } status { name }
    }
} } }"""

MAX_GROWTH = 11.0  # times the CPU, for ten times the rows

ONE_HUNDRED = Workload(
    name="W2", title="100 loans, 25 fields", most=0.6, first_seen=True, query=_WIDE % LOANS, path="/loans"
)
ONE_THOUSAND = Workload(
    name="W2x10", title="1,000 loans, 25 fields", alone=True, query=_WIDE % MANY_LOANS, path="/many-loans"
)

WORKLOADS = (
    Workload(
        name="W1",
        title="one loan, 8 scalars",
        most=1.6,
        query="""query Loan($id: ID!) { loan(id: $id) {
            id loanDate dueDate action renewalCount dueDateChangedByRecall dueDateChangedByHold isDcb
        } }""",
        variables={"id": uid("loan", 7)},
        path=f"/loans/{uid('loan', 7)}",
    ),
    ONE_HUNDRED,
    ONE_THOUSAND,
    Workload(
        name="W3",
        title="100 loans, 3 links",
        most=0.6,
        first_seen=True,
        query=f"""{{ loans(first: {LOANS}) {{ nodes {{
            id dueDate loanDate renewalCount status {{ name }}
            borrower {{ {_FULL_USER} }}
            checkoutServicePoint {{ {_FULL_DESK} }}
            instance {{ {_FULL_TITLE} }}
        }} }} }}""",
        path="/loans-with-links",
    ),
    Workload(
        name="W4",
        title="100 requests, 5 links",
        most=0.6,
        first_seen=True,
        query=f"""{{ requests(first: {LOANS}) {{ nodes {{
            id requestDate requestType status position
            requester {{ {_FULL_USER} }}
            proxy {{ {_FULL_USER} }}
            pickupServicePoint {{ {_FULL_DESK} }}
            instance {{ {_FULL_TITLE} }}
            item {{ id hrid barcode copyNumber status {{ name date }} materialType {{ name }} }}
        }} }} }}""",
        path="/requests-with-links",
    ),
    Workload(
        name="W5",
        title="a check-out",
        most=1.6,
        query="""mutation CheckOut($input: CheckOutInput!) { checkOut(input: $input) {
            __typename
            ... on CheckedOut { loan { id loanDate dueDate status { name } loanItem { title barcode } } }
        } }""",
        variables={"input": check_out_of(7)},
        method="POST",
        path="/check-out",
        body=check_out_of(7),
    ),
    Workload(
        name="W6",
        title="100 loans, what they carry",
        query=f"""{{ loans(first: {LOANS}) {{ nodes {{
            id dueDate
            borrower {{ id barcode personal {{ lastName firstName }} }}
            item {{ id title barcode status {{ name }} }}
            checkoutServicePoint {{ id name }}
        }} }} }}""",
        path="/loans-as-they-are",
    ),
    Workload(
        name="W7",
        title="100 loans, 25 fields, 8 of them keys",
        query=f"""{{ loans(first: {LOANS}) {{ nodes {{
            id loanDate dueDate action actionComment renewalCount
            dueDateChangedByRecall dueDateChangedByHold dueDateChangedByNearExpireUser isDcb
            status {{ name }} feesAndFines {{ amountRemainingToPay }}
            metadata {{ createdDate updatedDate }}
            loanItem {{ title barcode callNumber }}
            borrower {{ id }} item {{ id }} instance {{ id }}
            loanPolicy {{ id }} overdueFinePolicy {{ id }} lostItemPolicy {{ id }}
            itemEffectiveLocationAtCheckOut {{ id }} checkoutServicePoint {{ id }}
        }} }} }}""",
        path="/loans-with-keys",
    ),
)
