"""New accounts and their first action, as mod-feesfines stores them for a manual charge."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.fees.request_body import members, validated_body
from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.request import HttpRequest, json_response
from gateway.sandbox.library import Record, RecordsById
from gateway.sandbox.log.fees import log_fee_fine_action

ACCOUNT_KINDS = members(
    "amount:number remaining:number dateCreated:date dateUpdated:date status:object paymentStatus:object "
    "feeFineType:text feeFineOwner:text title:text callNumber:text barcode:text materialType:text "
    "itemStatus:object location:text metadata:object dueDate:date returnedDate:date loanId:uuid userId:uuid "
    "itemId:uuid materialTypeId:uuid feeFineId:uuid ownerId:uuid id:uuid holdingsRecordId:uuid "
    "instanceId:uuid contributors:list loanPolicyId:uuid overdueFinePolicyId:uuid lostItemFeePolicyId:uuid "
    "processId:uuid"
)
ACCOUNT_REQUIRED = "amount remaining status paymentStatus userId feeFineId ownerId"
ACTION_KINDS = members(
    "dateAction:date typeAction:text comments:text notify:boolean amountAction:number balance:number "
    "transactionInformation:text createdAt:uuid originalCreatedAt:text source:text paymentMethod:text "
    "accountId:uuid userId:uuid id:uuid"
)
ACTION_REQUIRED = "accountId userId"


def create_account(http_request: HttpRequest) -> Response:
    """POST an account (AccountsAPI)."""
    library = http_request.library
    account = validated_body(http_request, ACCOUNT_KINDS, ACCOUNT_REQUIRED)
    account["metadata"] = http_request.caller.creation_metadata(library.now())
    return insert(http_request, library.accounts, account, "accounts")


def create_action(http_request: HttpRequest) -> Response:
    """POST an action (FeeFineActionsAPI). It changes no account."""
    action = validated_body(http_request, ACTION_KINDS, ACTION_REQUIRED)
    response = insert(http_request, http_request.library.fee_fine_actions, action, "feefineactions")
    log_fee_fine_action(http_request.library, action)
    return response


def insert(http_request: HttpRequest, records: RecordsById, record: Record, table: str) -> Response:
    """Store a new record. An id that exists is refused in raml-module-builder's words (PgUtil.post)."""
    key = str(record.get("id") or http_request.library.new_id()).lower()
    if key in records:
        raise Refused([reason(f"id value already exists in table {table}: {key}", {"id": key})])
    records[key] = record | {"id": key}
    return json_response(records[key], 201)
