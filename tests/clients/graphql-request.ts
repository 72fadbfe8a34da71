import { GraphQLClient } from "graphql-request";
import { graphql } from "./gql/index.js";

const client = new GraphQLClient("http://127.0.0.1:8081/graphql", { headers: { "X-Okapi-Tenant": "diku" } });
const overdue = graphql(`query Overdue($before: DateTime) {
  loans(first: 5, filter: { status: [OPEN], dueDate: { before: $before } }) { nodes { id dueDate } }
}`);
const lock = graphql(`mutation Lock($id: Int!) { lockObject(input: { objectType: PATRON, objectId: $id }) {
  __typename
  ... on ObjectLocked { existingLock lock { id } }
  ... on ObjectLockConflict { heldBy { polarisUserName } }
  ... on Refusal { reasons { message } }
} }`);

const loans = await client.request(overdue, { before: new Date().toISOString() });
const locked = await client.request(lock, { id: 30001 });
console.log(JSON.stringify([loans, locked]));
