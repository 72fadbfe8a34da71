import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { graphql } from "./gql/index.js";

const client = new Client({
  url: "http://127.0.0.1:8081/graphql",
  fetchOptions: { headers: { "X-Okapi-Tenant": "diku" } },
  exchanges: [cacheExchange, fetchExchange], preferGetMethod: false,
});
const loans = graphql(`query Lent($barcode: String!) { user(barcode: $barcode) { openLoans { nodes { id } } } }`);
const lend = graphql(`mutation LendOne($input: CheckOutInput!) { checkOut(input: $input) {
  ... on CheckedOut { loan { id dueDate } }
  ... on Refusal { reasons { code message } }
} }`);
const servicePointId = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
const input = { itemBarcode: "2000000002", userBarcode: "1000000001", servicePointId };
const before = await client.query(loans, { barcode: input.userBarcode }, { additionalTypenames: ["Loan"] });
const lent = await client.mutation(lend, { input });
console.log(JSON.stringify([before.data, lent.data]));
