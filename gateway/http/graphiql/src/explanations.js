/**
 * The gateway's explanations of operations, by tab of GraphiQL: `{ explanation, note }`, of which one is null.
 *
 * `header` is null if the gateway shows no plans.
 */
export function createExplanations(header) {
  const listeners = new Set();
  let entries = new Map();
  let activeTab;
  const change = (next) => {
    entries = next;
    listeners.forEach((listener) => listener());
  };
  return {
    isAvailable: Boolean(header),
    entries: () => entries,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Set the ids of the open tabs and of the active one. Those of closed tabs are dropped. */
    setTabs(open, active) {
      activeTab = active;
      const kept = [...entries].filter(([tab]) => open.includes(tab));
      if (kept.length < entries.size) change(new Map(kept));
    },
    /** Begin an execution or an estimate in the active tab, in place of the previous one there. */
    begin(note) {
      const tab = activeTab;
      let entry = { explanation: null, note };
      change(new Map(entries).set(tab, entry));
      const show = (next) => {
        if (entries.get(tab) !== entry) return; // another one has begun, or the tab is closed
        entry = next;
        change(new Map(entries).set(tab, next));
      };
      return {
        note: (text) => show({ explanation: null, note: text }),
        /** Add the header that requests an explanation: `1` with the execution, `only` without it. */
        addTo(headers, value) {
          if (header) headers.set(header, value);
        },
        /** Show the explanation of a result, or the note, and return the result without the explanation. */
        takeFrom(result, noteWithout) {
          const { explain = null, ...extensions } = result.extensions ?? {};
          show({ explanation: explain, note: explain ? null : noteWithout });
          if (explain === null) return result;
          const { extensions: _, ...rest } = result;
          return Object.keys(extensions).length ? { ...rest, extensions } : rest;
        },
      };
    },
  };
}
