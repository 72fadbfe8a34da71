"""Note something on a loan."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.enums import member
from gateway.fields.link import link
from gateway.fields.mutation import begin_mutation, body_of, mutation
from gateway.schema.loan import Loan
from gateway.schema.refusal import Refusal


@strawberry.enum(description="Whom a note on a loan is for.")
class LoanInfoAction(Enum):
    PATRON_INFO_ADDED = member("patronInfoAdded", "For the patron.")
    STAFF_INFO_ADDED = member("staffInfoAdded", "For the staff only.")


@strawberry.input(description="What is noted on which loan.")
class AddLoanInfoInput:
    loan_id: strawberry.ID = strawberry.field(description="The loan.")
    action: LoanInfoAction = strawberry.field(description="Whom the note is for.")
    comment: str = strawberry.field(description="The note.")


@strawberry.type(description="The note stands on the loan.")
class LoanInfoAdded:
    record: strawberry.Private[Any]  # Any: the key that the link reads; upstream answers nothing
    loan: Loan | None = link(
        "The loan as it is now. Its id costs no upstream call.", loader="loan", key="loanId"
    )


AddLoanInfoResult = Annotated[
    LoanInfoAdded | Refusal, strawberry.union("AddLoanInfoResult", description="What came of a note.")
]


@mutation("Note something on a loan. Sent once; each note is an entry of the loan's history.")
async def add_loan_info(
    info: Info, input: Annotated[AddLoanInfoInput, strawberry.argument(description="Which and what.")]
) -> AddLoanInfoResult | None:
    loan_id = arguments.uuid(input.loan_id, "loanId")
    arguments.not_blank(input.comment, "comment")
    body = body_of(input, "loanId")
    body["actionComment"] = body.pop("comment")
    await begin_mutation(info).circulation.add_loan_info(loan_id, body)
    return LoanInfoAdded(record={"loanId": loan_id}, loan=None)  # the link reads the record
