import json
import sys

from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXTransport

ON_LOAN = "query OnLoan($first: Int) { loans(first: $first) { nodes { id item { title } } } }"
LOCK = """mutation Lock($id: Int!) { lockObject(input: { objectType: PATRON, objectId: $id }) {
  ... on ObjectLocked { existingLock lock { id } }
  ... on ObjectLockConflict { heldBy { polarisUserName } }
  ... on Refusal { reasons { message } }
} }"""

url, headers = "http://127.0.0.1:8081/graphql", {"X-Okapi-Tenant": "diku"}
with Client(transport=HTTPXTransport(url, headers=headers)) as session:
    on_loan = session.execute(GraphQLRequest(ON_LOAN, variable_values={"first": 3}))
    locked = session.execute(GraphQLRequest(LOCK, variable_values={"id": 30002}))
json.dump([on_loan, locked], sys.stdout)
