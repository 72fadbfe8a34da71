// Compiled and never run: what the generated types say. Each line below `@ts-expect-error` must not compile.
import { graphql } from "./gql/index.js";
import type { LockTypesMutation, PatronTypesQuery, PatronTypesQueryVariables } from "./gql/graphql.js";

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
// @ts-expect-error Every field but the ids may be null.
export const always = (user: User): string => user.expirationDate;
// @ts-expect-error What a library defines itself has no type until it was looked at.
export const own = (user: User): { [key: string]: string } => user.customFields;
// @ts-expect-error What was not asked for is not there.
export const name = (user: User): unknown => user.personal;

export const since: PatronTypesQueryVariables = { since: "2026-11-21T10:00:00.000Z" };
// @ts-expect-error A moment is a text for the gateway as well.
export const wrong: PatronTypesQueryVariables = { since: 1764000000 };

export function told(outcome: NonNullable<LockTypesMutation["lockObject"]>): string | null {
  switch (outcome.__typename) {
    case "ObjectLocked":
      return outcome.existingLock ? "yours already" : "yours";
    case "ObjectLockConflict":
      return outcome.heldBy?.polarisUserName ?? null;
    case "Refusal":
      return outcome.reasons[0]?.code ?? null;
  }
}
