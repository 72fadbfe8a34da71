"""FOLIO's codes of refusal reasons (mod-circulation, ErrorCode; mod-circulation-bff)."""

from enum import Enum

import strawberry

from gateway.schema.enums import member


@strawberry.enum(
    description="The reason code of a refusal. Codes of newer versions of FOLIO are reported as OTHER."
)
class RefusalCode(Enum):
    ITEM_NOT_LOANABLE = member("ITEM_NOT_LOANABLE", "Item not loanable.")
    ITEM_BARCODE_NOT_FOUND = member("ITEM_BARCODE_NOT_FOUND", "Item barcode not found.")
    ITEM_CHECKED_OUT_TO_DIFFERENT_USER = member(
        "ITEM_CHECKED_OUT_TO_DIFFERENT_USER", "Item checked out to different user."
    )
    ITEM_HAS_OPEN_LOAN = member("ITEM_HAS_OPEN_LOAN", "Item has open loan.")
    USER_BARCODE_NOT_FOUND = member("USER_BARCODE_NOT_FOUND", "User barcode not found.")
    USER_NOT_FOUND = member("USER_NOT_FOUND", "User not found.")
    USER_IS_INACTIVE_OR_EXPIRED = member("USER_IS_INACTIVE_OR_EXPIRED", "User is inactive or expired.")
    USER_STATUS_CANNOT_BE_DETERMINED = member(
        "USER_STATUS_CANNOT_BE_DETERMINED", "User status cannot be determined."
    )
    ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE_LOAN_TYPE = member(
        "ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE_LOAN_TYPE", "Item limit patron group material type loan type."
    )
    ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE = member(
        "ITEM_LIMIT_PATRON_GROUP_MATERIAL_TYPE", "Item limit patron group material type."
    )
    ITEM_LIMIT_PATRON_GROUP_LOAN_TYPE = member(
        "ITEM_LIMIT_PATRON_GROUP_LOAN_TYPE", "Item limit patron group loan type."
    )
    ITEM_LIMIT_MATERIAL_TYPE_LOAN_TYPE = member(
        "ITEM_LIMIT_MATERIAL_TYPE_LOAN_TYPE", "Item limit material type loan type."
    )
    ITEM_LIMIT_MATERIAL_TYPE = member("ITEM_LIMIT_MATERIAL_TYPE", "Item limit material type.")
    ITEM_LIMIT_LOAN_TYPE = member("ITEM_LIMIT_LOAN_TYPE", "Item limit loan type.")
    USER_IS_BLOCKED_MANUALLY = member("USER_IS_BLOCKED_MANUALLY", "User is blocked manually.")
    USER_IS_BLOCKED_AUTOMATICALLY = member("USER_IS_BLOCKED_AUTOMATICALLY", "User is blocked automatically.")
    USER_CANNOT_BE_PROXY_FOR_THEMSELVES = member(
        "USER_CANNOT_BE_PROXY_FOR_THEMSELVES", "User cannot be proxy for themselves."
    )
    INSUFFICIENT_OVERRIDE_PERMISSIONS = member(
        "INSUFFICIENT_OVERRIDE_PERMISSIONS", "Insufficient override permissions."
    )
    CALENDAR_OPEN_PERIODS_NOT_FOUND = member(
        "CALENDAR_OPEN_PERIODS_NOT_FOUND", "Calendar open periods not found."
    )
    CALENDAR_TIMETABLE_ABSENT = member("CALENDAR_TIMETABLE_ABSENT", "Calendar timetable absent.")
    LOAN_POLICY_PROFILE_NOT_RECOGNIZED = member(
        "LOAN_POLICY_PROFILE_NOT_RECOGNIZED", "Loan policy profile not recognized."
    )
    ITEM_AGED_TO_LOST_NOT_RENEWABLE = member(
        "ITEM_AGED_TO_LOST_NOT_RENEWABLE", "Item aged to lost not renewable."
    )
    ITEM_DECLARED_LOST_NOT_RENEWABLE = member(
        "ITEM_DECLARED_LOST_NOT_RENEWABLE", "Item declared lost not renewable."
    )
    ITEM_CLAIMED_RETURNED_NOT_RENEWABLE = member(
        "ITEM_CLAIMED_RETURNED_NOT_RENEWABLE", "Item claimed returned not renewable."
    )
    LOAN_RENEWAL_LIMIT_REACHED = member("LOAN_RENEWAL_LIMIT_REACHED", "Loan renewal limit reached.")
    LOAN_NOT_RENEWABLE = member("LOAN_NOT_RENEWABLE", "Loan not renewable.")
    LOAN_POLICY_RENEW_FROM_NOT_RECOGNIZED = member(
        "LOAN_POLICY_RENEW_FROM_NOT_RECOGNIZED", "Loan policy renew from not recognized."
    )
    LOAN_POLICY_RENEWAL_PERIOD_NOT_RECOGNIZED = member(
        "LOAN_POLICY_RENEWAL_PERIOD_NOT_RECOGNIZED", "Loan policy renewal period not recognized."
    )
    LOAN_POLICY_RENEWAL_PERIOD_INTERVAL_NOT_RECOGNIZED = member(
        "LOAN_POLICY_RENEWAL_PERIOD_INTERVAL_NOT_RECOGNIZED",
        "Loan policy renewal period interval not recognized.",
    )
    LOAN_POLICY_RENEWAL_PERIOD_DURATION_INVALID = member(
        "LOAN_POLICY_RENEWAL_PERIOD_DURATION_INVALID", "Loan policy renewal period duration invalid."
    )
    RENEWAL_REQUEST_ITEM_BARCODE_REQUIRED = member(
        "RENEWAL_REQUEST_ITEM_BARCODE_REQUIRED", "Renewal request item barcode required."
    )
    RENEWAL_REQUEST_USER_BARCODE_REQUIRED = member(
        "RENEWAL_REQUEST_USER_BARCODE_REQUIRED", "Renewal request user barcode required."
    )
    RENEWAL_BLOCKED_BY_RECALL = member("RENEWAL_BLOCKED_BY_RECALL", "Renewal blocked by recall.")
    RENEWAL_BLOCKED_BY_REMINDER_FEES = member(
        "RENEWAL_BLOCKED_BY_REMINDER_FEES", "Renewal blocked by reminder fees."
    )
    RENEWAL_BLOCKED_BY_HOLD_REQUEST = member(
        "RENEWAL_BLOCKED_BY_HOLD_REQUEST", "Renewal blocked by hold request."
    )
    RENEWAL_DATE_OUTSIDE_LOAN_POLICY_DATE_RANGES = member(
        "RENEWAL_DATE_OUTSIDE_LOAN_POLICY_DATE_RANGES", "Renewal date outside loan policy date ranges."
    )
    RENEWAL_DATE_OUTSIDE_FIXED_LOAN_POLICY_DATE_RANGES = member(
        "RENEWAL_DATE_OUTSIDE_FIXED_LOAN_POLICY_DATE_RANGES",
        "Renewal date outside fixed loan policy date ranges.",
    )
    RENEWAL_WOULD_NOT_CHANGE_DUE_DATE = member(
        "RENEWAL_WOULD_NOT_CHANGE_DUE_DATE", "Renewal would not change due date."
    )
    FIXED_LOAN_POLICY_HAS_ALTERNATE_RENEWAL_PERIOD_FOR_HOLDS = member(
        "FIXED_LOAN_POLICY_HAS_ALTERNATE_RENEWAL_PERIOD_FOR_HOLDS",
        "Fixed loan policy has alternate renewal period for holds.",
    )
    FIXED_LOAN_POLICY_HAS_RENEWAL_PERIOD = member(
        "FIXED_LOAN_POLICY_HAS_RENEWAL_PERIOD", "Fixed loan policy has renewal period."
    )
    OVERRIDE_RENEWAL_COMMENT_REQUIRED = member(
        "OVERRIDE_RENEWAL_COMMENT_REQUIRED", "Override renewal comment required."
    )
    OVERRIDE_RENEWAL_DUE_DATE_REQUIRED = member(
        "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED", "Override renewal due date required."
    )
    OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED = member(
        "OVERRIDE_RENEWAL_DUE_DATE_REQUIRED_WHEN_DUE_DATE_UNCHANGED",
        "Override renewal due date required when due date unchanged.",
    )
    OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN = member(
        "OVERRIDE_RENEWAL_NOT_ALLOWED_FOR_CURRENT_LOAN", "Override renewal not allowed for current loan."
    )
    REQUEST_ALREADY_CLOSED = member("REQUEST_ALREADY_CLOSED", "Request already closed.")
    REQUEST_NOT_ALLOWED_FOR_PATRON_TITLE_COMBINATION = member(
        "REQUEST_NOT_ALLOWED_FOR_PATRON_TITLE_COMBINATION",
        "Request not allowed for patron title combination.",
    )
    REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION = member(
        "REQUEST_NOT_ALLOWED_FOR_PATRON_ITEM_COMBINATION", "Request not allowed for patron item combination."
    )
    REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED = member(
        "REQUEST_PICKUP_SERVICE_POINT_IS_NOT_ALLOWED", "Request pickup service point is not allowed."
    )
    SERVICE_POINT_IS_NOT_PICKUP_LOCATION = member(
        "SERVICE_POINT_IS_NOT_PICKUP_LOCATION", "Service point is not pickup location."
    )
    REQUEST_LEVEL_IS_NOT_ALLOWED = member("REQUEST_LEVEL_IS_NOT_ALLOWED", "Request level is not allowed.")
    FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED = member(
        "FULFILLMENT_PREFERENCE_IS_NOT_ALLOWED", "Fulfillment preference is not allowed."
    )
    REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS = member(
        "REQUESTER_ALREADY_HAS_LOAN_FOR_ONE_OF_INSTANCES_ITEMS",
        "Requester already has loan for one of instances items.",
    )
    REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN = member(
        "REQUESTER_ALREADY_HAS_THIS_ITEM_ON_LOAN", "Requester already has this item on loan."
    )
    HOLD_AND_RECALL_TLR_NOT_ALLOWED_PAGEABLE_AVAILABLE_ITEM_FOUND = member(
        "HOLD_AND_RECALL_TLR_NOT_ALLOWED_PAGEABLE_AVAILABLE_ITEM_FOUND",
        "Hold and recall tlr not allowed pageable available item found.",
    )
    CANNOT_CREATE_PAGE_TLR_WITHOUT_ITEM_ID = member(
        "CANNOT_CREATE_PAGE_TLR_WITHOUT_ITEM_ID", "Cannot create page tlr without item id."
    )
    MOVING_REQUEST_TO_THE_SAME_ITEM = member(
        "MOVING_REQUEST_TO_THE_SAME_ITEM", "Moving request to the same item."
    )
    ITEM_ALREADY_REQUESTED = member("ITEM_ALREADY_REQUESTED", "Item already requested.")
    ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED = member(
        "ITEM_OF_THIS_INSTANCE_ALREADY_REQUESTED", "Item of this instance already requested."
    )
    INSTANCE_ALREADY_REQUESTED = member("INSTANCE_ALREADY_REQUESTED", "Instance already requested.")
    HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT = member(
        "HOLD_SHELF_REQUESTS_REQUIRE_PICKUP_SERVICE_POINT",
        "Hold shelf requests require pickup service point.",
    )
    FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING = member(
        "FAILED_TO_DECLARE_CLAIMED_RETURNED_ITEM_AS_MISSING",
        "Failed to declare claimed returned item as missing.",
    )
    OTHER = member("OTHER", "Another reason, or one without a code: see the message and the parameters.")
