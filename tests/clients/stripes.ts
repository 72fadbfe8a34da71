import { useOkapiKy } from "@folio/stripes/core";
import { useMutation, useQuery, useQueryClient } from "react-query";
import { graphql } from "./gql-text/index.js";
import type { CheckOutInput, TypedDocumentString } from "./gql-text/graphql.js";

type Problem = { message: string; path?: (string | number)[]; extensions: { code: string; requestId: string } };
type Result<Data> = { data: Data; errors?: Problem[] };

const messages: { [code: string]: string } = { // with react-intl, the ids of translations
  BAD_USER_INPUT: "Please check what you entered.",
  FORBIDDEN: "You do not have permission to do this.",
  UNAUTHENTICATED: "Please log in again.",
  UPSTREAM_TIMEOUT: "FOLIO does not respond. Please try again.",
  OUTCOME_UNKNOWN: "It is not known if this was saved. Please check before you try again.",
};

export class GraphQLFailure extends Error {
  readonly code: string;
  constructor(readonly problems: [Problem, ...Problem[]]) {
    const [{ message, extensions }] = problems;
    super(messages[extensions.code] ?? message);
    this.code = extensions.code;
  }
}

export function useGraphQL() {
  const ky = useOkapiKy(); // the headers for tenant, token and locale
  return async <Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> => {
    const json = { query: document.toString(), variables };
    const response = await ky.post("graphql", { json, throwHttpErrors: false }); // errors come with a status and a body
    if (!response.headers.get("Content-Type")?.includes("json")) throw new Error(`HTTP status ${response.status}`);
    const { data, errors: [first, ...rest] = [] }: Result<Data> = await response.json();
    if (first !== undefined) throw new GraphQLFailure([first, ...rest]);
    return data;
  };
}

const patron = graphql(`query DeskPatron($barcode: String!) {
  user(barcode: $barcode) { id personal { lastName } openLoans { totalCount nodes { id dueDate } } }
}`);
const lend = graphql(`mutation DeskLend($input: CheckOutInput!) { checkOut(input: $input) {
  __typename
  ... on CheckedOut { loan { id dueDate } }
  ... on Refusal { reasons { code message } }
} }`);

export function usePatron(barcode: string) {
  const send = useGraphQL();
  return useQuery(["patron", barcode], () => send(patron, { barcode }));
}

export function useLend() {
  const send = useGraphQL();
  const cache = useQueryClient();
  return useMutation(async (input: CheckOutInput) => (await send(lend, { input })).checkOut, {
    onSuccess: () => cache.invalidateQueries("patron"), // react-query does not know which records a result changes
  });
}
