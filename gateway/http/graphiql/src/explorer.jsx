import { explorerPlugin as createPlugin } from '@graphiql/plugin-explorer';
import { useLayoutEffect, useState } from 'react';

/** The explorer plugin, opened at the top: its inputs take the focus and scroll to the arguments of the operation. */
export function explorerPlugin() {
  const { content: Explorer, ...plugin } = createPlugin({ showAttribution: false });
  return {
    ...plugin,
    content: function ExplorerFromTop() {
      const [focused] = useState(() => document.activeElement);
      useLayoutEffect(() => keepFocus(focused, document.querySelector('.graphiql-plugin')), [focused]);
      return <Explorer />;
    },
  };
}

/** Keep the focus on an element, and a panel at its top, until the user presses a key or a button. */
function keepFocus(element, panel) {
  const restore = () => {
    element.focus({ preventScroll: true });
    panel.scrollTop = 0;
  };
  const stop = () => {
    panel.removeEventListener('focusin', restore);
    for (const type of ['pointerdown', 'keydown']) window.removeEventListener(type, stop, true);
  };
  panel.addEventListener('focusin', restore);
  for (const type of ['pointerdown', 'keydown']) window.addEventListener(type, stop, true);
  return stop;
}
