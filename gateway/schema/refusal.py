"""Refusals: writes rejected by the library's rules, with reasons. Data, not errors."""

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.schema.refusal_code import RefusalCode


@strawberry.type(description="A parameter of a refusal reason.")
class RefusalParameter:
    key: str = strawberry.field(
        description="The name of the parameter, such as `itemBarcode`, `loanPolicyName` or `reason`."
    )
    value: str | None = strawberry.field(description="The value. Null if upstream sends none.")


@strawberry.type(description="A block that can be overridden by a second attempt with `overrideBlocks`.")
class OverridableBlock:
    name: str = strawberry.field(
        description="The name of the block: `patronBlock`, `itemLimitBlock`, `itemNotLoanableBlock`, "
        "`renewalBlock` or `renewalDueDateRequiredBlock`. It is the field of `overrideBlocks` to "
        "set."
    )
    missing_permissions: list[str] = strawberry.field(
        description="Permissions that the caller lacks. Empty if the caller may override the block."
    )


@strawberry.type(description="One reason for a refusal.")
class RefusalReason:
    code: RefusalCode = strawberry.field(description="FOLIO's code, or `OTHER`: many refusals have no code.")
    code_text: str | None = strawberry.field(
        description="FOLIO's own code, also if `code` is `OTHER`. Null if FOLIO sends none."
    )
    message: str = strawberry.field(description="FOLIO's message, in English or the library's language.")
    parameters: list[RefusalParameter] = strawberry.field(description="The parameters of the reason.")
    overridable_block: OverridableBlock | None = strawberry.field(
        description="The block to override. Null if no override exists."
    )


@strawberry.type(
    description="The write was rejected by the library's rules, or would be. Nothing changed, unless the "
    "mutation's description says otherwise."
)
class Refusal:
    reasons: list[RefusalReason] = strawberry.field(description="All reasons; at least one.")


class RefusalAsResult(strawberry.ExceptionHandler[errors.Refused, Refusal]):
    """Converts a rejected write to data, in every result union with a `Refusal`."""

    def handle(self, exception: errors.Refused, *, field: object, info: object) -> Refusal:
        return describe_refusal(errors.without_frames(exception))


class UnknownOutcomeFlag(strawberry.ExceptionHandler[errors.OutcomeUnknown, Refusal]):
    """Records that the outcome of a mutation is unknown. It stays an error: None declines to handle it."""

    def handle(self, exception: errors.OutcomeUnknown, *, field: object, info: Info) -> None:
        info.context.mutations.outcome_unknown = True


def describe_refusal(problem: errors.Refused) -> Refusal:
    """Convert a refusal to data. A refusal without a readable reason gets one that says so."""
    reasons = problem.reasons or (errors.Reason(message="The write was rejected without a readable reason."),)
    return Refusal(reasons=[_describe_reason(each) for each in reasons])


def _describe_reason(reason: errors.Reason) -> RefusalReason:
    block = reason.overridable_block
    return RefusalReason(
        code=RefusalCode.__members__.get(reason.code or "", RefusalCode.OTHER),
        code_text=reason.code,
        message=reason.message,
        parameters=[RefusalParameter(key=each.key, value=each.value) for each in reason.parameters],
        overridable_block=None
        if block is None
        else OverridableBlock(name=block.name, missing_permissions=block.missing_permissions),
    )
