import { createClient } from "graphql-sse";
import { print } from "graphql";
import { graphql } from "./gql/index.js";
import type { CheckInsSubscription } from "./gql/graphql.js";

const client = createClient({
  url: "http://127.0.0.1:8081/graphql",
  headers: () => ({ "X-Okapi-Tenant": "diku" }), // called for each connection: return the current token here
});
const checkIns = graphql(`subscription CheckIns($desk: ID!) {
  itemCheckedIn(servicePointId: $desk) { kind item { id barcode status { name } } }
}`);
const extensions: { resumeAfter?: string } = {};
const request = { query: print(checkIns), variables: { desk: "1df88d03-62ee-575e-8f87-51a3e14c5dd1" }, extensions };

let shown: CheckInsSubscription | null | undefined;
while (!shown) { // again after `complete`, which ends a stream with its token or its gateway
  for await (const result of client.iterate<CheckInsSubscription, { resumeAfter?: string }>(request)) {
    extensions.resumeAfter = result.extensions?.resumeAfter ?? extensions.resumeAfter;
    shown = result.data;
    break; // this example has seen enough
  }
}
console.log(JSON.stringify(shown));
client.dispose();
