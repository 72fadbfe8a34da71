import { getOperationAST, parse } from 'graphql';

// Every operation is a POST to the address of the page: nothing of it, and no token, ever stands in an address.
const JSON_TYPES = ['application/graphql-response+json', 'application/json'];

// Asking for the schema is asking nobody's library, but no request goes without a tenant.
const NO_LIBRARY = 'introspection';

export async function ask(operation, { headers } = {}) {
  const sent = new Headers(headers);
  sent.set('Accept', JSON_TYPES.join(', '));
  sent.set('Content-Type', 'application/json');
  if (operation.operationName === 'IntrospectionQuery' && !sent.get('X-Okapi-Tenant')) {
    sent.set('X-Okapi-Tenant', NO_LIBRARY);
  }
  const response = await fetch(window.location.pathname, {
    method: 'POST',
    headers: sent,
    body: JSON.stringify(withItsOwnName(operation)),
  });
  if (!JSON_TYPES.some((type) => response.headers.get('Content-Type')?.startsWith(type))) {
    throw new Error(`The answer is no GraphQL: HTTP ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
}

// GraphiQL learns the name of an operation a moment after its text: who is quick on a tab would send the last one's.
function withItsOwnName({ operationName, ...operation }) {
  try {
    return getOperationAST(parse(operation.query), operationName) ? { ...operation, operationName } : operation;
  } catch {
    return operation; // the server says better what is wrong with it
  }
}
