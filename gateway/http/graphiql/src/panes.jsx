import { pick, useGraphiQL } from '@graphiql/react';
import { createContext, useContext, useEffect, useState } from 'react';

const DOCUMENTATION = 'Documentation Explorer';
const PANES = { operation: 'Operation', result: 'Result', calls: 'Calls', panel: 'Docs' };

export const NARROW = window.matchMedia('(max-width: 900px)'); // as in page.css

const ShowPane = createContext(() => {});

/** Return a function that shows a pane on a narrow screen; on a wide one all are visible. */
export function useShowPane() {
  const show = useContext(ShowPane);
  return (pane) => NARROW.matches && show(pane);
}

/** The page, of which a narrow screen shows one pane at a time, with the buttons that select it. */
export function Panes({ header, children }) {
  const [pane, show] = usePane();
  return (
    <ShowPane value={show}>
      <div className="graphiql-container page" data-pane={pane}>
        {header}
        <div className="panes" role="group" aria-label="Visible pane">
          {Object.entries(PANES).map(([name, label]) => (
            <button key={name} type="button" aria-pressed={name === pane} onClick={() => show(name)}>
              {label}
            </button>
          ))}
        </div>
        {children}
      </div>
    </ShowPane>
  );
}

/** The visible pane: after a run the result or the calls, and a panel as soon as it is opened. */
function usePane() {
  const [pane, setPane] = useState('operation');
  const { queryId, visiblePlugin } = useGraphiQL(pick('queryId', 'visiblePlugin'));
  useEffect(() => {
    if (queryId) setPane((current) => (current === 'calls' ? current : 'result'));
  }, [queryId]);
  useEffect(() => {
    if (visiblePlugin) setPane('panel');
    else setPane((current) => (current === 'panel' ? 'operation' : current));
  }, [visiblePlugin]);
  const show = (chosen) => {
    setPane(chosen);
    // The buttons of the sidebar change more than the visible plugin: GraphiQL resizes its columns with them.
    if ((chosen === 'panel') !== Boolean(visiblePlugin)) {
      clickSidebar(visiblePlugin ? `Hide ${visiblePlugin.title}` : `Show ${DOCUMENTATION}`);
    }
  };
  return [pane, show];
}

function clickSidebar(label) {
  document.querySelector(`.graphiql-sidebar button[aria-label="${label}"]`).click();
}
