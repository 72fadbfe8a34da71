// Renders a screen with the hooks of `stripes.ts`: a patron, a check-out, a refusal, and an error with its message.
import { createElement } from "react";
import { QueryClient, QueryClientProvider, setLogger } from "react-query";
import { act, create } from "react-test-renderer";
import { sent } from "./stripes-core.js";
import { GraphQLFailure, useLend, usePatron } from "./stripes.js";

type Shown = { patron: ReturnType<typeof usePatron>; lend: ReturnType<typeof useLend> };
const servicePointId = "1df88d03-62ee-575e-8f87-51a3e14c5dd1";
const shown: Partial<Shown> = {};

function Desk({ barcode }: { barcode: string }) {
  shown.patron = usePatron(barcode);
  shown.lend = useLend();
  return createElement("p", null, shown.patron.data?.user?.openLoans.totalCount ?? "...");
}

setLogger({ log: console.log, warn: console.warn, error: () => {} }); // the errors are expected
(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
const client = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } } });
const screen = (barcode: string) => createElement(QueryClientProvider, { client }, createElement(Desk, { barcode }));
const until = async (done: () => boolean) => {
  while (!done()) await act(() => new Promise((resolve) => setTimeout(resolve, 5)));
};

const desk = create(screen("1000000001"));
await until(() => shown.patron?.isSuccess === true);
const patron = shown.patron?.data?.user;
const lend = (itemBarcode: string) =>
  shown.lend!.mutateAsync({ itemBarcode, userBarcode: "1000000001", servicePointId });
const before = desk.toJSON();
const lent = await lend("2000000160");
await until(() => shown.patron?.isFetching === false);
const after = desk.toJSON();
const refused = await lend("2000000009");
act(() => desk.update(screen("")));
await until(() => shown.patron?.isError === true);
const failure = shown.patron?.error;
const failed = failure instanceof GraphQLFailure && [failure.code, failure.message, failure.problems[0].path];
const unknown = await lend("").catch((error: unknown) => error instanceof GraphQLFailure && error.code);
console.log(JSON.stringify({ patron, before, after, lent, refused, failed, unknown, sent }));
desk.unmount();
client.clear();
process.exit(); // ky waits for its timeouts otherwise
