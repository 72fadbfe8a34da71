"""The end of a patron's session at the desk, which triggers notices in FOLIO."""

from __future__ import annotations

from starlette.responses import Response

from gateway.sandbox.http.errors import Refused, reason
from gateway.sandbox.http.request import HttpRequest

ACTION_TYPES = ("Check-out", "Check-in")


def end_patron_action_session(http_request: HttpRequest) -> Response:
    """End sessions. Has no visible effect: the sandbox sends no notices."""
    sessions = http_request.json_object().get("endSessions")
    if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
        raise http_request.invalid_input("endSessions is not an array of objects")
    for session in sessions:
        if not session.get("patronId"):
            raise Refused([reason("End patron session request must have patron id", {"patronId": None})])
        if not session.get("actionType"):
            raise Refused([reason("End patron session request must have action type", {"actionType": None})])
        if session["actionType"] not in ACTION_TYPES:
            raise Refused([reason("Invalid patron action type value", {"actionType": session["actionType"]})])
    return Response(status_code=204)
