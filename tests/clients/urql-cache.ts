// Prints what urql's normalized cache warns of, two pages that it puts together, and how a check-out makes its
// ordinary cache ask for an empty list again.
import { Client, type OperationContext, cacheExchange as documentCache, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { buildSchema, introspectionFromSchema, isObjectType } from "graphql";
import { readFileSync } from "node:fs";
import { graphql } from "./gql/index.js";

const url = "http://127.0.0.1:8081/graphql";
const fetchOptions = { headers: { "X-Okapi-Tenant": "diku" } };
const servicePointId = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";

const schema = buildSchema(readFileSync("schema.graphql", "utf8"));
const embedded = Object.values(schema.getTypeMap()).filter(
  (type) => isObjectType(type) && !type.getFields()["id"] && !type.name.startsWith("__"),
);
const warnings: string[] = [];
const client = new Client({
  url,
  fetchOptions,
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      schema: introspectionFromSchema(schema),
      keys: Object.fromEntries(embedded.map((type) => [type.name, () => null])),
      resolvers: { Query: { loans: relayPagination() } },
      logger: (_, message) => warnings.push(message),
    }),
    fetchExchange,
  ],
});

const pages = graphql(`query LoanPages($after: String) {
  loans(first: 20, after: $after, sort: [{ field: DUE_DATE }]) {
    edges { node { id item { id status { name } } } } pageInfo { hasNextPage endCursor }
  }
}`);
const first = await client.query(pages, {});
const second = await client.query(pages, { after: first.data?.loans.pageInfo.endCursor });
const ids = second.data?.loans.edges.map((edge) => edge.node.id);

const openLoans = graphql(`query CachedOpenLoans($barcode: String!) {
  user(barcode: $barcode) { openLoans { totalCount nodes { id } } }
}`);
const lend = graphql(`mutation LendBehindAList($input: CheckOutInput!) { checkOut(input: $input) {
  ... on CheckedOut { loan { id } }
} }`);

async function counted(context: Partial<OperationContext>, userBarcode: string, itemBarcode: string): Promise<unknown[]> {
  const client = new Client({ url, fetchOptions, preferGetMethod: false, exchanges: [documentCache, fetchExchange] });
  const counts: unknown[] = [];
  let list = { unsubscribe: () => {} };
  await new Promise<void>((answered) => {
    list = client.query(openLoans, { barcode: userBarcode }, context).subscribe(({ data }) => {
      counts.push(data?.user?.openLoans.totalCount);
      answered();
    });
  });
  await client.mutation(lend, { input: { itemBarcode, userBarcode, servicePointId } });
  await new Promise((later) => setTimeout(later, 500)); // for a list that asks again on its own
  list.unsubscribe();
  return counts;
}

const told = await counted({ additionalTypenames: ["Loan"] }, "1000000161", "2000000012");
const untold = await counted({}, "1000000121", "2000000013");

console.log(JSON.stringify({ warnings, ids, told, untold }));
