"""The end of a patron's visit to the desk, after which notices are sent."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.request import HttpRequest

ACTION_TYPES = ("Check-out", "Check-in")


def end_patron_action_session(http_request: HttpRequest) -> Response:
    """Nothing is left to see of it: the sandbox sends no notices."""
    sessions = http_request.json_object().get("endSessions")
    if not isinstance(sessions, list) or not all(isinstance(each, dict) for each in sessions):
        raise http_request.invalid_input("endSessions is not an array of objects")
    for each in sessions:
        if not each.get("patronId"):
            raise Refused([reason("End patron session request must have patron id", {"patronId": None})])
        if not each.get("actionType"):
            raise Refused([reason("End patron session request must have action type", {"actionType": None})])
        if each["actionType"] not in ACTION_TYPES:
            raise Refused([reason("Invalid patron action type value", {"actionType": each["actionType"]})])
    return Response(status_code=204)
