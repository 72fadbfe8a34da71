import { Button, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { parse as parseJSON, printParseErrorCode } from 'jsonc-parser';
import { useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';

const NOT_YET = 'Run an operation to see its upstream calls.';
const NEVER = 'This gateway does not show its upstream calls (PRODUCTION or INTROSPECTION).';

/** The upstream calls of the last run in the active tab, its estimate, and the links that cost a call. */
export function Calls({ explanations, estimate }) {
  const { explanation, note } = useExplanationOfTab(explanations);
  const [isOpen, setOpen] = useState(true);
  return (
    <section className="calls" aria-label="Calls" data-open={isOpen}>
      <div className="calls-header">
        <h2>
          <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Calls
          </button>
        </h2>
        {explanations.isAvailable && <Estimate estimate={estimate} />}
        <p role="status">{explanation ? summarize(explanation) : note}</p>
      </div>
      {explanation && isOpen && (
        <div className="calls-content" role="group" aria-label="Hints and upstream calls" tabIndex={0}>
          <Hints explanation={explanation} />
          {explanation.actual ? <Waterfall explanation={explanation} /> : <Plan calls={explanation.calls} />}
        </div>
      )}
    </section>
  );
}

/** A result is of the tab in which it is shown, and so is its explanation. */
function useExplanationOfTab(explanations) {
  const entries = useSyncExternalStore(explanations.subscribe, explanations.entries);
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  const active = tabs[activeTabIndex]?.id;
  useLayoutEffect(() => {
    explanations.setTabs(
      tabs.map(({ id }) => id),
      active,
    );
  }, [explanations, tabs, active]);
  useStopWithTab(active);
  const { explanation = null, note = null } = entries.get(active) ?? {};
  return { explanation, note: note ?? (explanations.isAvailable ? NOT_YET : NEVER) };
}

/** Stop what runs if another tab becomes active. GraphiQL does not for a new one, and shows there what comes. */
function useStopWithTab(active) {
  const { stop } = useGraphiQLActions();
  const previous = useRef(active);
  useLayoutEffect(() => {
    if (previous.current !== active) stop();
    previous.current = active;
  }, [active, stop]);
}

/** A button that shows the plan of the operation in the editor, without executing it. */
function Estimate({ estimate }) {
  const { queryEditor, variableEditor, headerEditor, operationName } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'headerEditor', 'operationName'),
  );
  const onClick = () =>
    estimate({ query: queryEditor.getValue(), operationName }, () => ({
      variables: read(variableEditor, 'Variables'),
      headers: read(headerEditor, 'Headers'),
    }));
  return (
    <Button className="estimate" title="Show the calls of this operation without executing it" onClick={onClick}>
      Estimate
    </Button>
  );
}

/** Return the object in an editor, which may have comments. */
function read(editor, name) {
  const errors = [];
  const value = parseJSON(editor?.getValue() ?? '', errors, { allowTrailingComma: true, allowEmptyContent: true });
  if (errors.length) throw new Error(`${name} are not valid JSON: ${printParseErrorCode(errors[0].error)}.`);
  return value;
}

function summarize({ actual, estimate, limits }) {
  const estimated = `estimate ${count(estimate.calls, 'call')} (limit ${limits.calls}), ${count(estimate.nodes, 'node')}`;
  if (!actual) return `Not executed: ${estimated} (limit ${limits.nodes}).`;
  const { start, end } = span(actual.requests);
  const duration = actual.requests.length ? ` in ${milliseconds(end - start)}` : '';
  return `${count(actual.calls, 'call')}${duration}; ${estimated}.`;
}

function Waterfall({ explanation: { calls, actual } }) {
  const { start, end } = span(actual.requests);
  const percent = (value) => `${(100 * value) / Math.max(end - start, 0.001)}%`;
  const planned = new Map(calls.map((call) => [call.id, call]));
  return (
    <Table
      columns={['Batch', 'Status', 'Start', 'Duration', 'Timeline']}
      rows={actual.requests.map((sent) => ({
        ...sent,
        path: planned.get(sent.call)?.path,
        cells: [
          batch(sent.keys, planned.get(sent.call)?.batch),
          sent.status,
          milliseconds(sent.startMs - start),
          milliseconds(sent.durationMs),
          <span style={{ marginLeft: percent(sent.startMs - start), width: percent(sent.durationMs) }} />,
        ],
      }))}
    />
  );
}

/** The calls of an operation that was refused for its estimate. */
function Plan({ calls }) {
  return (
    <Table
      columns={['Batch at most', 'Estimated calls']}
      rows={calls.map((call) => ({ ...call, cells: [call.batch ?? '', call.estimated] }))}
    />
  );
}

/** A table with two lines for each call: its route, which may be long, and its cells. */
function Table({ columns, rows }) {
  return (
    <table>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      {rows.map(({ service, method, route, path, cells }, index) => (
        <tbody key={index}>
          <tr>
            <th scope="rowgroup" colSpan={columns.length}>
              <code>
                {method} {route}
              </code>{' '}
              {service}
              {path && `: ${path}`}
            </th>
          </tr>
          <tr>
            {cells.map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        </tbody>
      ))}
    </table>
  );
}

function Hints({ explanation: { links, actual } }) {
  const hints = links.filter(({ hint }) => hint);
  return (
    <ul>
      {hints.map(({ path, hint }, index) => (
        <li key={index}>
          <code>{path}</code>: <Hint text={hint} />
        </li>
      ))}
      {actual?.embedded > 0 && (
        <li>{count(actual.embedded, 'link')} cost nothing: the parent records have all that is selected.</li>
      )}
    </ul>
  );
}

/** A text with names in backticks. */
function Hint({ text }) {
  return text.split('`').map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part));
}

function span(requests) {
  return {
    start: Math.min(...requests.map(({ startMs }) => startMs)),
    end: Math.max(...requests.map(({ startMs, durationMs }) => startMs + durationMs)),
  };
}

function batch(keys, maximum) {
  if (keys === null) return '';
  return maximum ? `${keys} of ${maximum}` : keys;
}

function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function count(number, name) {
  return `${number} ${name}${number === 1 ? '' : 's'}`;
}
