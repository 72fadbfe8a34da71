import { getOperationAST, parse } from 'graphql';

// Every operation is a POST to the URL of the page, so that neither operations nor tokens appear in URLs.
const JSON_TYPES = ['application/graphql-response+json', 'application/json'];

// Introspection concerns no tenant, but every request needs one.
const ANY_TENANT = 'introspection';

export async function fetchResult(operation, { headers } = {}) {
  const sent = new Headers(headers);
  sent.set('Accept', JSON_TYPES.join(', '));
  sent.set('Content-Type', 'application/json');
  if (operation.operationName === 'IntrospectionQuery' && !sent.get('X-Okapi-Tenant')) {
    sent.set('X-Okapi-Tenant', ANY_TENANT);
  }
  const response = await fetch(window.location.pathname, {
    method: 'POST',
    headers: sent,
    body: JSON.stringify(withMatchingName(operation)),
  });
  if (!JSON_TYPES.some((type) => response.headers.get('Content-Type')?.startsWith(type))) {
    throw new Error(`The response is not GraphQL: HTTP ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
}

// GraphiQL updates the name of an operation shortly after its text, so a quick user would send the previous name.
function withMatchingName({ operationName, ...operation }) {
  try {
    return getOperationAST(parse(operation.query), operationName) ? { ...operation, operationName } : operation;
  } catch {
    return operation; // the server reports what is wrong with it
  }
}
