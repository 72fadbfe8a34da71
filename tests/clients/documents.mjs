// Apollo Client with documents by hash and in parts, and urql with parts. Prints what was sent and came.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQL17Alpha9Handler } from "@apollo/client/incremental";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange } from "@urql/core";

const uri = process.argv[2] + "/graphql";
const headers = { "X-Okapi-Tenant": "diku" };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const sent = [];
const types = [];
const watched = async (address, options) => {
  const body = options.body === undefined ? null : JSON.parse(options.body);
  sent.push([options.method, body !== null && "query" in body]);
  const response = await fetch(address, options);
  types.push(response.headers.get("content-type").split(";")[0]);
  return response;
};
const clientOf = (link, incrementalHandler) =>
  new ApolloClient({ link, cache: new InMemoryCache(), incrementalHandler, defaultOptions: { query: { fetchPolicy: "no-cache" } } });
const taken = () => [sent.splice(0), types.splice(0)];
const said = {};

const persisted = async (options) => {
  const client = clientOf(ApolloLink.from([new PersistedQueryLink({ sha256, ...options }), new HttpLink({ uri, headers, fetch: watched })]));
  const query = gql`query Points { servicePoints(first: 1) { nodes { name } } }`;
  const answers = [];
  for (let count = 0; count < 2; count++) answers.push((await client.query({ query })).data.servicePoints.nodes.length);
  return [answers, ...taken()];
};
said.byHash = await persisted({});
said.byGet = await persisted({ useGETForHashedQueries: true });

for (const [name, handler] of Object.entries({ apollo: new GraphQL17Alpha9Handler() })) {
  const client = clientOf(new HttpLink({ uri, headers, fetch: watched }), handler);
  const query = gql`query Loans { loans(first: 2) { nodes { id ... @defer { borrower { id active } } } } }`;
  const states = [];
  let last;
  await new Promise((resolve, reject) => {
    client.watchQuery({ query, fetchPolicy: "no-cache" }).subscribe({
      next: (result) => {
        if (result.error) reject(result.error);
        if (result.data !== undefined) {
          const has = result.data.loans.nodes.map((node) => "borrower" in node);
          states.push([result.dataState, has]);
          last = result.data;
        }
        if (result.dataState === "complete") resolve();
      },
      error: reject,
    });
  });
  said[name] = [states, last, ...taken()];
}

const urql = new Client({ url: uri, exchanges: [fetchExchange], fetchOptions: { headers }, fetch: watched, preferGetMethod: false });
const states = [];
let last;
await new Promise((resolve, reject) => {
  urql.query("query Loans { loans(first: 2) { nodes { id ... @defer { borrower { id active } } } } }", {}).subscribe((result) => {
    if (result.error) reject(result.error);
    states.push([result.hasNext ? "streaming" : "complete", result.data.loans.nodes.map((node) => "borrower" in node)]);
    last = structuredClone(result.data);
    if (!result.hasNext) resolve();
  });
});
said.urql = [states, last, ...taken()];
console.log(JSON.stringify(said));
