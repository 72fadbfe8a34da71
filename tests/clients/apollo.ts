import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { graphql } from "./gql/index.js";
import unions from "./gql/possible-types.js";

const client = new ApolloClient({
  link: new HttpLink({ uri: "http://127.0.0.1:8081/graphql", headers: { "X-Okapi-Tenant": "diku" } }),
  cache: new InMemoryCache({ possibleTypes: unions.possibleTypes, typePolicies: { Personal: { merge: true } } }),
});
const patron = graphql(`query Patron($barcode: String!) { user(barcode: $barcode) { id personal { lastName } } }`);
const lend = graphql(`mutation Lend($input: CheckOutInput!) { checkOut(input: $input) {
  ... on CheckedOut { loan { id dueDate item { id status { name } } } }
  ... on Refusal { reasons { code message } }
} }`);

const servicePointId = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
const input = { itemBarcode: "2000000001", userBarcode: "1000000001", servicePointId };
const found = await client.query({ query: patron, variables: { barcode: input.userBarcode } });
const lent = await client.mutate({ mutation: lend, variables: { input } });
console.log(JSON.stringify([found.data, lent.data]));
