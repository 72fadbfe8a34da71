import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { graphql } from "./gql/index.js";

const client = new Client({
  url: "http://127.0.0.1:8081/graphql",
  fetchOptions: { headers: { "X-Okapi-Tenant": "diku" } },
  exchanges: [cacheExchange, fetchExchange], preferGetMethod: false, fetchSubscriptions: true,
});
const checkIns = graphql(`subscription UrqlCheckIns($desk: ID!) {
  itemCheckedIn(servicePointId: $desk) { kind item { id barcode status { name } } }
}`);
const desk = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
client.subscription(checkIns, { desk }).subscribe((result) => {
  console.log(JSON.stringify(result.data));
  process.exit(); // this example has seen enough; `unsubscribe` otherwise
});
