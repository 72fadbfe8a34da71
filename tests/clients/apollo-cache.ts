// Prints what Apollo's cache makes of records with and without ids, of a check-out and a check-in, and of two pages.
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { graphql } from "./gql/index.js";
import unions from "./gql/possible-types.js";

const servicePointId = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
const [itemBarcode, userBarcode] = ["2000000010", "1000000001"];
let requests = 0;
const link = new HttpLink({
  uri: "http://127.0.0.1:8081/graphql",
  headers: { "X-Okapi-Tenant": "diku" },
  fetch: (...sent) => {
    requests += 1;
    return fetch(...sent);
  },
});

// A screen with an item, while the item is lent and taken back.
const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes: unions.possibleTypes }) });
const screen = {
  query: graphql(`query ItemOnScreen($barcode: String!) { item(barcode: $barcode) { id status { name } } }`),
  variables: { barcode: itemBarcode },
};
await client.query(screen);
const states: unknown[] = [];
const shown = client.watchQuery(screen).subscribe(({ data }) => states.push(data?.item?.status?.name));
const outcome = await client.mutate({
  mutation: graphql(`
    mutation LendAndSee($input: CheckOutInput!) { checkOut(input: $input) { ...Outcome } }
    fragment Outcome on CheckOutResult {
      ... on CheckedOut { loan { id item { id status { name } } borrower { id personal { lastName } } } }
      ... on Refusal { reasons { code } }
    }
  `),
  variables: { input: { itemBarcode, userBarcode, servicePointId } },
  keepRootFields: true,
});
const kept = client.cache.extract();
await client.mutate({
  mutation: graphql(`mutation TakeBackAndSee($input: CheckInInput!) { checkIn(input: $input) {
    ... on CheckedIn { item { id status { name } } }
  } }`),
  variables: { input: { itemBarcode, servicePointId } },
});
shown.unsubscribe();
const asked = requests;

// Two screens that ask different members of what has no id, and a list of two pages.
const reader = new ApolloClient({
  link,
  cache: new InMemoryCache({
    typePolicies: {
      Personal: { merge: true },
      Query: { fields: { loans: relayStylePagination(["filter", "sort", "cql"]) } },
    },
  }),
});
const variables = { barcode: userBarcode };
const name = graphql(`query NameOf($barcode: String!) { user(barcode: $barcode) { id personal { lastName } } }`);
const mail = graphql(`query MailOf($barcode: String!) { user(barcode: $barcode) { id personal { email } } }`);
await reader.query({ query: name, variables });
await reader.query({ query: mail, variables });
const both = [reader.readQuery({ query: name, variables }), reader.readQuery({ query: mail, variables })];

const pages = graphql(`query Pages($after: String) {
  loans(first: 20, after: $after, sort: [{ field: DUE_DATE }]) {
    edges { cursor node { id } } pageInfo { hasNextPage endCursor }
  }
}`);
const first = await reader.query({ query: pages });
const list = reader.watchQuery({ query: pages });
const listed = list.subscribe(() => {});
await list.fetchMore({ variables: { after: first.data?.loans.pageInfo.endCursor } });
const ids = reader.readQuery({ query: pages })?.loans.edges.map((edge) => edge.node.id);
listed.unsubscribe();

console.log(JSON.stringify({ states, asked, outcome: outcome.data, kept, both, ids }));
