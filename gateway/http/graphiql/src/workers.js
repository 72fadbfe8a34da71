// Monaco's three workers, each in a separate file: a worker from a blob would need `blob:` in the policy.
const FILES = { json: JSON_WORKER, graphql: GRAPHQL_WORKER };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(new URL(FILES[label] ?? EDITOR_WORKER, import.meta.url), { name: label }),
};
