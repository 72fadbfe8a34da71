"""The dry run of a check-out: FOLIO's decision about one, without a loan."""

from typing import Annotated

import strawberry

from gateway.context import Info
from gateway.fields import arguments
from gateway.fields.link import link
from gateway.fields.root import query
from gateway.schema.override_blocks import OverrideBlocksInput
from gateway.schema.patron_notice_policy import PatronNoticePolicy
from gateway.schema.policy import LoanPolicy, LostItemFeePolicy, OverdueFinePolicy
from gateway.schema.refusal import Refusal
from gateway.upstream.record_types import Record


@strawberry.type(description="The check-out would be allowed now, with these policies.")
class CheckOutAllowed:
    record: strawberry.Private[Record]  # upstream's response
    loan_policy: LoanPolicy | None = link(
        "The policy for the loan period and renewals. Its id costs no upstream call.",
        loader="loan_policy",
        key="loanPolicyId",
    )
    overdue_fine_policy: OverdueFinePolicy | None = link(
        "The policy for fines. Its id costs no upstream call.",
        loader="overdue_fine_policy",
        key="overdueFinePolicyId",
    )
    lost_item_policy: LostItemFeePolicy | None = link(
        "The policy for lost items. Its id costs no upstream call.",
        loader="lost_item_fee_policy",
        key="lostItemPolicyId",
    )
    patron_notice_policy: PatronNoticePolicy | None = link(
        "The policy for notices to the patron. Its id costs no upstream call.",
        loader="patron_notice_policy",
        key="patronNoticePolicyId",
    )


CheckOutDryRunResult = Annotated[
    CheckOutAllowed | Refusal,
    strawberry.union("CheckOutDryRunResult", description="The result of `checkOutDryRun`."),
]


@query(
    "A check of a check-out, before it: all reasons for which FOLIO would refuse it, or the policies that "
    "would apply. One upstream call, which changes nothing and reserves nothing.",
    calls=["circulation.check_out_dry_run"],
)
async def check_out_dry_run(
    info: Info,
    item_barcode: Annotated[
        str, strawberry.argument(description="The barcode of the item, such as `2000000001`.")
    ],
    user_barcode: Annotated[
        str,
        strawberry.argument(description="The number on the borrower's library card, such as `1000000001`."),
    ],
    proxy_user_barcode: Annotated[
        str | None,
        strawberry.argument(
            description="The library card number of the proxy who borrows, such as `1000000001`."
        ),
    ] = None,
    override_blocks: Annotated[
        OverrideBlocksInput | None,
        strawberry.argument(description="Blocks to override. Ignored by FOLIO before mod-circulation 24.5."),
    ] = None,
) -> CheckOutDryRunResult:
    body: Record = {
        "itemBarcode": arguments.check_text(item_barcode, "itemBarcode"),
        "userBarcode": arguments.check_text(user_barcode, "userBarcode"),
    }
    if proxy_user_barcode is not None:
        body["proxyUserBarcode"] = arguments.check_text(proxy_user_barcode, "proxyUserBarcode")
    if override_blocks is not None:
        body["overrideBlocks"] = override_blocks.body()
    return CheckOutAllowed(record=await info.context.upstream.circulation.check_out_dry_run(body))


QUERIES = [check_out_dry_run]
