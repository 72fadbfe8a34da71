import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-sse';

// Every operation is a POST to the URL of the page, so that neither operations nor tokens appear in URLs.
const JSON_TYPES = ['application/graphql-response+json', 'application/json'];

// Introspection concerns no tenant, but every request needs one.
const ANY_TENANT = 'introspection';

const RUNNING = 'Running.';
const STOPPED = 'Stopped.';
const STOPPED_MUTATION = 'Stopped. A mutation that has begun is executed to its end.';
const SUBSCRIPTION = 'The calls of subscriptions are not shown.';
const WITHOUT = 'The response has no plan.';

/** Return GraphiQL's fetcher and `estimate`. Both send the credentials, and take the explanation out of the result. */
export function createFetcher(credentials, explanations) {
  const headersOf = (given) => {
    const headers = new Headers(given);
    credentials.addTo(headers);
    return headers;
  };
  return {
    /** Execute an operation. Its results are an iterator that GraphiQL's stop button, or another tab, ends. */
    fetcher(operation, { headers } = {}) {
      const { request, kind } = withMatchingName(operation);
      const sent = headersOf(headers);
      if (operation.operationName === 'IntrospectionQuery') {
        if (!sent.get(credentials.headers.tenant)) sent.set(credentials.headers.tenant, ANY_TENANT);
        return send(request, sent);
      }
      if (kind === 'subscription') {
        explanations.begin(SUBSCRIPTION);
        return subscribe(request, Object.fromEntries(sent));
      }
      const run = explanations.begin(RUNNING);
      run.addTo(sent, '1');
      const note = explanations.isAvailable ? WITHOUT : null;
      return stoppable(async (signal) => {
        try {
          return run.takeFrom(await send(request, sent, signal), note);
        } catch (error) {
          const stopped = kind === 'mutation' ? STOPPED_MUTATION : STOPPED;
          run.note(signal.aborted ? stopped : note);
          throw error;
        }
      });
    },
    /** Show the plan of an operation, which is not executed. `read` returns its variables and headers, or throws. */
    async estimate(operation, read) {
      const { request, kind } = withMatchingName(operation);
      const run = explanations.begin(kind === 'subscription' ? SUBSCRIPTION : RUNNING);
      if (kind === 'subscription') return;
      try {
        const { variables, headers } = read();
        const sent = headersOf(headers);
        run.addTo(sent, 'only');
        const query = kind === 'mutation' ? skipAll(request) : request.query;
        const result = await send({ ...request, query, variables }, sent);
        run.takeFrom(result, result.errors?.map(({ message }) => message).join(' ') ?? WITHOUT);
      } catch (error) {
        run.note(error.message);
      }
    },
  };
}

async function send(request, headers, signal) {
  headers.set('Accept', JSON_TYPES.join(', '));
  headers.set('Content-Type', 'application/json');
  const body = JSON.stringify(request);
  const response = await fetch(window.location.pathname, { method: 'POST', headers, body, signal }).catch((error) => {
    throw withoutStack(`The gateway cannot be reached: ${error.message}`);
  });
  const status = `HTTP ${response.status} ${response.statusText}`.trim();
  if (!JSON_TYPES.some((type) => response.headers.get('Content-Type')?.startsWith(type))) {
    throw withoutStack(`The response is not GraphQL: ${status}`);
  }
  return response.json().catch((error) => {
    throw withoutStack(`The response is not complete JSON: ${status}: ${error.message}`);
  });
}

// GraphiQL shows the members of an error, and the stack of an Error.
function withoutStack(message) {
  return { message };
}

/** Return the result of a promise as an iterator. Its end aborts the signal that `start` receives. */
function stoppable(start) {
  const controller = new AbortController();
  const end = new Promise((resolve) => {
    controller.signal.addEventListener('abort', () => resolve({ value: undefined, done: true }));
  });
  const results = [start(controller.signal).then((value) => ({ value, done: false }))];
  return iterator(
    () => Promise.race([results.pop() ?? { value: undefined, done: true }, end]),
    () => controller.abort(),
  );
}

// The results as they come. A broken connection is an error: GraphiQL shows it, and the user runs it again.
function subscribe(request, headers) {
  const results = createClient({ url: window.location.pathname, headers, retryAttempts: 0 }).iterate(request);
  return iterator(
    () =>
      results.next().catch((error) => {
        throw error instanceof Error ? withoutStack(error.message) : error;
      }),
    () => results.return(),
  );
}

function iterator(next, stop) {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next,
    async return() {
      stop();
      return { value: undefined, done: true };
    },
  };
}

/** Return the text of a valid document whose operation skips all of its fields. The plan counts them nonetheless. */
// A proxy may drop the header, or another version may serve the request: the mutation must not be executed then.
function skipAll({ query, operationName }) {
  const { start, end } = getOperationAST(parse(query), operationName).selectionSet.loc;
  return `${query.slice(0, start)}{ ... @skip(if: true) ${query.slice(start, end)} }${query.slice(end)}`;
}

// GraphiQL updates the name of an operation shortly after its text, so a quick user would send the previous name.
function withMatchingName({ operationName, ...operation }) {
  try {
    const document = parse(operation.query);
    const named = getOperationAST(document, operationName);
    return {
      request: named ? { ...operation, operationName } : operation,
      kind: (named ?? getOperationAST(document))?.operation,
    };
  } catch {
    return { request: operation }; // the server reports what is wrong with it
  }
}
