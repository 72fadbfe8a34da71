import { useState } from 'react';

// The browser forgets them when its tab is closed. They are in no URL, and not in the history of operations.
const KEY = 'circulation-gateway:';

/**
 * Tenant and token, sent with the operations of all tabs.
 *
 * `initial` has the tenant of the embedded library, `credentialHeaders` the header of each.
 */
export function createCredentials({ tenant, credentialHeaders }) {
  const initial = { tenant, token: '' };
  const read = (name) => sessionStorage.getItem(KEY + name) ?? initial[name];
  return {
    headers: credentialHeaders,
    read,
    write: (name, value) => sessionStorage.setItem(KEY + name, value),
    /** Add them to the headers of a request, unless the headers editor has others. */
    addTo(headers) {
      const tenant = read('tenant').trim();
      const token = read('token').trim().replace(/^Bearer\s+/i, '');
      if (tenant && !headers.get(credentialHeaders.tenant)) headers.set(credentialHeaders.tenant, tenant);
      if (token && !headers.get(credentialHeaders.token) && !headers.get('Authorization')) {
        headers.set(credentialHeaders.token, token);
      }
    },
  };
}

export function Credentials({ credentials }) {
  return (
    <div className="credentials" role="group" aria-label="Credentials of all tabs">
      <Credential name="tenant" label="Tenant" credentials={credentials} />
      <Credential name="token" label="Token" credentials={credentials} />
    </div>
  );
}

function Credential({ name, label, credentials }) {
  const [value, setValue] = useState(() => credentials.read(name));
  return (
    <label className="credential">
      <span>
        {label} <small>{credentials.headers[name]}</small>
      </span>
      <input
        type="text" // a password field would be offered to the browser's password manager
        className={name}
        value={value}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onChange={({ target }) => {
          setValue(target.value);
          credentials.write(name, target.value);
        }}
      />
    </label>
  );
}
