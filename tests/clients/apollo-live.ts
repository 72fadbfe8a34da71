import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, Observable } from "@apollo/client";
import { OperationTypeNode, print } from "graphql";
import { createClient } from "graphql-sse";
import { graphql } from "./gql/index.js";
import unions from "./gql/possible-types.js";

const uri = "http://127.0.0.1:8081/graphql";
const headers = { "X-Okapi-Tenant": "diku" };
const events = createClient({ url: uri, headers });
type Members = Record<string, any>;
const eventLink = new ApolloLink(({ query, operationName, variables, extensions }) => new Observable((observer) =>
  events.subscribe<Members, Members>({ query: print(query), operationName, variables, extensions }, observer)));
const httpLink = new HttpLink({ uri, headers });
const cache = new InMemoryCache({ possibleTypes: unions.possibleTypes });
const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, eventLink, httpLink),
  cache,
});
const checkIns = graphql(`subscription ApolloCheckIns($desk: ID!) {
  itemCheckedIn(servicePointId: $desk) { kind item { id barcode status { name } } }
}`);
const desk = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
const subscription = client.subscribe({ query: checkIns, variables: { desk } }).subscribe(({ data }) => {
  console.log(JSON.stringify([data, cache.extract()[`Item:${data?.itemCheckedIn.item?.id}`]])); // the cache has the item too
  subscription.unsubscribe(); // this example has seen enough
});
