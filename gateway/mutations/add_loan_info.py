"""Add a note to a loan."""

from enum import Enum
from typing import Annotated

import strawberry

from gateway import errors
from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.look_up import look_up
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.live.changed_records import changes_by_loan_id
from gateway.schema.enums import member
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.enum(description="The audience of a note on a loan.")
class LoanInfoAction(Enum):
    PATRON_INFO_ADDED = member("patronInfoAdded", "A note for the patron.")
    STAFF_INFO_ADDED = member("staffInfoAdded", "A note for staff only.")


@strawberry.input(description="The input of `addLoanInfo`.")
class AddLoanInfoInput:
    loan_id: strawberry.ID = strawberry.field(description="The loan.")
    action: LoanInfoAction = strawberry.field(description="The audience of the note.")
    comment: str = strawberry.field(description="The note.")


@strawberry.type(description="The note was added to the loan.")
class LoanInfoAdded:
    record: strawberry.Private[Record]  # the key for the link; upstream sends no body
    loan: Loan | None = link(
        "The loan after the change. Its id costs no upstream call.", loader="loan", key="loanId"
    )


AddLoanInfoResult = Annotated[
    LoanInfoAdded | Refusal, strawberry.union("AddLoanInfoResult", description="The result of `addLoanInfo`.")
]


@mutation(
    "Add a note to a loan. Sent once; each note is an entry of the loan's history.",
    changes=changes_by_loan_id,
)
async def add_loan_info(info: Info, input: AddLoanInfoInput) -> AddLoanInfoResult:
    loan_id = arguments.check_uuid(input.loan_id, "loanId")
    arguments.check_not_blank(input.comment, "comment")
    body = body_of(input, "loanId")
    body["actionComment"] = body.pop("comment")
    try:
        await begin_mutation(info).circulation.add_loan_info(loan_id, body)
    except errors.OutcomeUnknown as unknown:
        await look_up(info, unknown, lambda look: look.changed_loan(loan_id, body))
    return LoanInfoAdded(record={"loanId": loan_id})
