// In place of `useOkapiKy` of @folio/stripes/core: the type that folio-org/stripes-types declares, and the options of
// src/useOkapiKy.js in folio-org/stripes-core.
import ky from "ky";

export interface useOkapiKyOptions {
  tenant?: string;
}

const okapi = { url: "http://127.0.0.1:8081", tenant: "diku", locale: "en-US", timeout: 60_000 };
export const sent: [string, string, string | null, string | null][] = [];

export function useOkapiKy({ tenant }: useOkapiKyOptions = {}): typeof ky {
  return ky.create({
    credentials: "include",
    fetch: (request, options) => globalThis.fetch(request, { ...options }),
    hooks: {
      beforeRequest: [
        (request) => request.headers.set("Accept-Language", okapi.locale),
        (request) => request.headers.set("X-Okapi-Tenant", tenant ?? okapi.tenant),
        ({ method, url, headers }) => {
          sent.push([method, new URL(url).pathname, headers.get("X-Okapi-Tenant"), headers.get("Accept-Language")]);
        },
      ],
    },
    mode: "cors",
    prefixUrl: okapi.url,
    retry: 0,
    timeout: okapi.timeout,
  });
}
