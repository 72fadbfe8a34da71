"""The outcomes of mutations."""

from gateway.errors import ErrorCode
from gateway.observability.operation import CANCELLED as CANCELLED
from gateway.observability.operation import LOCKED as LOCKED
from gateway.observability.operation import SUCCESS as SUCCESS

INTERNAL_ERROR = ErrorCode.INTERNAL_ERROR
