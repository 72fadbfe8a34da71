// Compiled and never run: what the generated types say. Each line below `@ts-expect-error` must not compile.
import { graphql } from "./gql/index.js";
import type * as screens from "./gql/graphql.js";
import type { LockTypesMutation, OpenLoansQuery, PatronTypesQuery, PatronTypesQueryVariables } from "./gql/graphql.js";

graphql(`query PatronTypes($since: DateTime) {
  user(barcode: "1000000001") {
    expirationDate customFields openLoans(filter: { loanDate: { from: $since } }) { totalCount nodes { id dueDate } }
  }
}`);
graphql(`mutation LockTypes { lockObject(input: { objectType: PATRON, objectId: 1 }) {
  __typename
  ... on ObjectLocked { existingLock }
  ... on ObjectLockConflict { heldBy { polarisUserName } }
  ... on Refusal { reasons { code } }
} }`);

type User = NonNullable<PatronTypesQuery["user"]>;
export const moment = (user: User): string | null => user.expirationDate;
export const anything = (user: User): unknown => user.customFields;
// @ts-expect-error A moment is a text, no number.
export const seconds = (user: User): number | null => user.expirationDate;
// @ts-expect-error What a record has may be null.
export const always = (user: User): string => user.expirationDate;
// @ts-expect-error What a library defines itself has no type until it was looked at.
export const own = (user: User): { [key: string]: string } => user.customFields;
// @ts-expect-error What was not asked for is not there.
export const name = (user: User): unknown => user.personal;

export const since: PatronTypesQueryVariables = { since: "2026-11-21T10:00:00.000Z" };
// @ts-expect-error A moment is a text for the gateway as well.
export const wrong: PatronTypesQueryVariables = { since: 1764000000 };

export function told(outcome: LockTypesMutation["lockObject"]): string | null {
  switch (outcome.__typename) {
    case "ObjectLocked":
      return outcome.existingLock ? "yours already" : "yours";
    case "ObjectLockConflict":
      return outcome.heldBy?.polarisUserName ?? null;
    case "Refusal":
      return outcome.reasons[0]?.code ?? null;
  }
}

// A screen tests for null where a record may not exist, and nowhere in the structure around it.
export const rows = ({ user }: OpenLoansQuery): string[] =>
  user === null ? [] : user.openLoans.nodes.map((loan) => `${loan.id}: ${loan.openRequests.totalCount + 1}`);

// The structure of the screens that may be null: none.
type Structure = "nodes" | "edges" | "node" | "pageInfo" | "totalCount" | "openLoans" | "openRequests" | "requestQueue";
type Nulls<T> = T extends readonly (infer Element)[]
  ? null extends Element ? "an element" : Nulls<Element>
  : T extends object ? { [Name in keyof T]-?: Name extends Structure ? Required<T, Name> : Nulls<T[Name]> }[keyof T] : never;
type Required<T, Name extends keyof T> = null extends T[Name] ? Name : Nulls<T[Name]>;
type Results<T> = { [Name in keyof T]-?: Required<T, Name> }[keyof T];
export const none: never[] = [] as Nulls<
  | screens.FeeDeskQuery | screens.ReadingRoomQuery | screens.MorningRoutineQuery
  | screens.CheckOutPatronQuery | screens.RequestListQuery | screens.RequestDetailQuery
  | screens.RequestFormQuery | screens.QueueQuery | screens.OpenLoansQuery | screens.LoanDetailQuery
  | screens.PickSlipsQuery
>[];
export const noResult: never[] = [] as (
  | Results<screens.PayMutation> | Results<screens.UseAtLocationMutation>
  | Results<screens.CheckOutItemMutation> | Results<screens.CheckInItemMutation>
  | Results<screens.CreateRequestMutation> | Results<screens.PrintedMutation>
)[];
// @ts-expect-error A look-up is null if there is no such record.
export const lookUp: never[] = [] as Results<OpenLoansQuery>[];
// @ts-expect-error An element that may be null is seen.
export const element: never[] = [] as Nulls<{ nodes: (string | null)[] }>[];
