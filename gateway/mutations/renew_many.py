"""Renew several loans, one after another."""

from collections.abc import Sequence
from typing import Annotated, cast

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.mutation import begin_mutation, mutation, publishing
from gateway.fields.root import SEMANTIC_NON_NULL
from gateway.live.changed_records import NoChanges
from gateway.mutations.renew import RenewResult, changes_of_renewal, send_renewal
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.refusal import Refusal, describe_refusal
from gateway.upstream import cql
from gateway.upstream.caller import keys_in
from gateway.upstream.collection import BoundCollection
from gateway.upstream.record_types import Record, dig, find_invalid

_DEPTH = 3  # of the path of one renewal: the mutation, its list, the place in it
MAX_LOANS = 50  # of one mutation: each takes a write, up to ACT_TIMEOUT, after the one before it


@strawberry.input(description="The input of `renewMany`.")
class RenewManyInput:
    loan_ids: list[strawberry.ID] = strawberry.field(
        description="The open loans, in the order of their renewals; up to 50, each once."
    )
    override_blocks: OverrideBlocksInput | None = strawberry.field(
        default=None, description="Blocks to override for each of the loans, as for `renew`."
    )


@strawberry.type(description="The results of several renewals.")
class LoansRenewed:
    renewals: list[RenewResult | None] = strawberry.field(
        description="The result for each of `loanIds`, in their order. Null with an error at its place if it "
        "failed, if its outcome is unknown, or if it was not attempted because that of an earlier one is.",
        metadata={SEMANTIC_NON_NULL: (1,)},
    )


RenewManyResult = Annotated[
    LoansRenewed | Refusal,
    strawberry.union("RenewManyResult", description="The result of `renewMany`."),
]


@mutation(
    "Renew several loans: one read of all, then one renewal after another, each sent once, as by `renew`. "
    "A refusal does not stop the rest. After an unknown outcome the rest is not attempted.",
    changes=NoChanges("Each renewal publishes its own."),
    calls=["circulation.loans", "circulation.renew_by_id"],
    repeated="loan_ids",
)
async def renew_many(info: Info, input: RenewManyInput) -> RenewManyResult:
    loan_ids = _check_loans(input.loan_ids)
    overrides = {} if input.override_blocks is None else {"overrideBlocks": input.override_blocks.body()}
    loans = await _read_loans(begin_mutation(info).circulation.loans, loan_ids)
    renewals = [
        await _renew(info, place, loan_id, loans.get(loan_id), overrides)
        for place, loan_id in enumerate(loan_ids)
    ]
    return LoansRenewed(renewals=cast(list[RenewResult | None], renewals))


_send_renewal = publishing(changes_of_renewal, send_renewal)


def _check_loans(ids: Sequence[strawberry.ID]) -> list[str]:
    """Return the ids in lower case. Raises `BadUserInput`, naming the field, and `LimitExceeded`."""
    if not ids:
        raise errors.BadUserInput("`loanIds` must have at least one element.")
    if len(ids) > MAX_LOANS:
        raise errors.LimitExceeded(f"`loanIds` must have at most {MAX_LOANS} elements; got {len(ids)}.")
    checked = [arguments.check_uuid(each, "loanIds") for each in ids]
    if len(set(checked)) < len(checked):
        raise errors.BadUserInput("`loanIds` must contain each loan once: a second renewal counts.")
    return checked


async def _read_loans(collection: BoundCollection, ids: list[str]) -> dict[str, Record]:
    """Return the loans that exist, by their ids. Raises `UpstreamBadResponse` if some may be missing."""
    page = await collection(str(cql.any_of("id", ids)), limit=len(ids), total=True)
    loans = {str(each.get("id")).lower(): each for each in page.records}
    if not all(map(loans.__contains__, ids)):
        if (invalid := find_invalid(page.records)) is not None:
            raise invalid
        if page.total is not None and page.total > len(page.records):
            raise collection.incomplete()
    return loans


async def _check_repetition(info: Info, place: int, loan: Record | None) -> None:
    """Check a renewal of a request that is repeated with its idempotency key.

    Raises `UpstreamUnavailable`, which is not shown, if its result is known. Raises `OutcomeUnknown` for a
    loan that is not open now: it may have been when the first request renewed it.
    """
    unknown, field = info.context.mutations.unknown_places, info.path.key
    if unknown is not None and not any(
        path[0] == field and (len(path) < _DEPTH or path[_DEPTH - 1] == place) for path in unknown
    ):
        raise errors.UpstreamUnavailable("Nothing was sent: the result of this renewal is known.")
    if loan is None or not _is_open(loan):
        try:
            await begin_mutation(info).circulation.renew_by_id(keys_in(loan or {}, "itemId", "userId"))
        except errors.OutcomeUnknown as problem:
            problem.details["seen"] = "The loan does not exist." if loan is None else "The loan is closed."
            raise


def _is_open(loan: Record) -> bool:
    return bool(dig(loan, ("status", "name")) == "Open")


async def _renew(
    info: Info, place: int, loan_id: str, loan: Record | None, overrides: Record
) -> RenewResult | errors.GatewayError:
    """Return the result of one renewal; an error stands in its place.

    A renewal names item and user, so that of a closed loan could renew a later loan of the same item.
    """
    try:
        if info.context.mutations.is_repetition:
            await _check_repetition(info, place, loan)
        if loan is None:
            raise errors.NotFound("The loan does not exist; nothing was sent.", upstream="folio", status=404)
        if not _is_open(loan):
            parameters = [errors.Parameter(key="loanId", value=loan_id)]
            closed = errors.Reason(message="The loan is closed; nothing was sent.", parameters=parameters)
            raise errors.Refused("The loan is closed.", reasons=[closed])
        info.context.mutations.before = loan
        return await _send_renewal(info, {**keys_in(loan, "itemId", "userId"), **overrides})
    except errors.Refused as refused:
        return describe_refusal(errors.without_frames(refused))
    except errors.GatewayError as problem:
        info.context.mutations.outcome_unknown |= isinstance(problem, errors.OutcomeUnknown)
        return errors.without_frames(problem)
