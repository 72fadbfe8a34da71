// Reads operations from the standard input; prints what each client makes of each: data, codes, HTTP status.
import { readFileSync } from "node:fs";
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { cacheExchange as normalizedCache } from "@urql/exchange-graphcache";
import { ClientError, GraphQLClient } from "graphql-request";
import type { GraphQLFormattedError } from "graphql";
import unions from "./gql/possible-types.js";

type Operation = { query: string; variables: Record<string, unknown> };
type Outcome = { data: unknown; codes: unknown[] };
type Ask = (operation: Operation) => Promise<Outcome>;

const url = "http://127.0.0.1:8081/graphql";
const headers = { "X-Okapi-Tenant": "diku" };

function outcome(data: unknown, errors: readonly GraphQLFormattedError[] = []): Outcome {
  return { data: data ?? null, codes: errors.map((error) => error.extensions?.["code"]) };
}

function apollo(): Ask {
  const link = new HttpLink({ uri: url, headers });
  const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes: unions.possibleTypes }) });
  return async ({ query, variables }) => {
    const { data, error } = query.startsWith("mutation")
      ? await client.mutate({ mutation: gql(query), variables, errorPolicy: "all" })
      : await client.query({ query: gql(query), variables, errorPolicy: "all" });
    if (error && !CombinedGraphQLErrors.is(error)) throw error;
    return outcome(data, error?.errors);
  };
}

function urql(options: { normalized: boolean; preferGetMethod: boolean }): Ask {
  const cache = options.normalized ? normalizedCache({ logger: () => {} }) : cacheExchange;
  const client = new Client({
    url,
    fetchOptions: { headers },
    preferGetMethod: options.preferGetMethod,
    exchanges: [cache, fetchExchange],
  });
  return async ({ query, variables }) => {
    const { data, error } = query.startsWith("mutation")
      ? await client.mutation(query, variables)
      : await client.query(query, variables);
    if (error?.networkError) throw error.networkError;
    return outcome(data, error?.graphQLErrors);
  };
}

function graphqlRequest(): Ask {
  const client = new GraphQLClient(url, { headers });
  return async ({ query, variables }) => {
    try {
      return outcome(await client.request(query, variables));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return outcome(error.response.data, error.response.errors);
    }
  };
}

const clients: Record<string, Ask> = {
  "Apollo Client": apollo(),
  urql: urql({ normalized: false, preferGetMethod: false }),
  "urql by GET": urql({ normalized: false, preferGetMethod: true }),
  "urql with a normalized cache": urql({ normalized: true, preferGetMethod: false }),
  "graphql-request": graphqlRequest(),
};
const operations: Operation[] = JSON.parse(readFileSync(0, "utf8"));
const outcomes: Record<string, Outcome[]> = {};
for (const [name, ask] of Object.entries(clients)) {
  outcomes[name] = [];
  for (const operation of operations) outcomes[name].push(await ask(operation));
}
console.log(JSON.stringify(outcomes));
