// Relay's store with the records of one response, by type and id. Prints their ids.
import relay from "relay-runtime";

const { Environment, Network, RecordSource, Store, createOperationDescriptor } = relay;
const url = "http://127.0.0.1:8081/graphql";
const headers = { "Content-Type": "application/json", "X-Okapi-Tenant": "diku" };

// As relay-compiler writes it for this text; the compiler is no part of the test.
const text = "query Lent { loan(id: \"LOAN\") { __typename id item { __typename id title } loanItem { __typename id title } } }";
const scalar = (name) => ({ alias: null, args: null, kind: "ScalarField", name, storageKey: null });
const linked = (name, concreteType, ...selections) => ({
  alias: null, args: null, concreteType, kind: "LinkedField", name, plural: false, storageKey: null,
  selections: [scalar("__typename"), scalar("id"), ...selections],
});
const selections = [
  linked("loan", "Loan", linked("item", "Item", scalar("title")), linked("loanItem", "LoanItem", scalar("title"))),
];
const request = {
  fragment: { argumentDefinitions: [], kind: "Fragment", metadata: null, name: "Lent", selections, type: "Query", abstractKey: null },
  kind: "Request",
  operation: { argumentDefinitions: [], kind: "Operation", name: "Lent", selections },
  params: { cacheID: "lent", id: null, metadata: {}, name: "Lent", operationKind: "query", text },
};

const body = JSON.stringify({ query: text.replace("LOAN", process.argv[2]) });
const { data } = await (await fetch(url, { method: "POST", headers, body })).json();
const store = new Store(new RecordSource());
const environment = new Environment({
  network: Network.create(() => Promise.reject(new Error("Nothing is fetched."))),
  store,
  getDataID: (node, typeName) => (node.id == null ? null : `${typeName}:${node.id}`),
});
environment.commitPayload(createOperationDescriptor(request, {}), data);
console.log(JSON.stringify(Object.keys(store.getSource().toJSON())));
