"""Polaris staff, their log-in sessions and access tokens."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.sandbox.clock import Clock
from gateway.sandbox.library import Record

SITE_DOMAIN = "polaris"
USER_DOMAIN = "SANDBOX"
MAX_FAILURES = 3
FAILURE_WINDOW = timedelta(minutes=5)


class Unauthorized(Exception):
    """Missing or invalid credentials."""


@dataclass(frozen=True, slots=True)
class Staff:
    id: int
    username: str
    name: str
    branch: int

    @property
    def email(self) -> str:
        return f"{self.username}@library.example"

    @property
    def password(self) -> str:
        return f"{self.username}-password"


@dataclass(slots=True, kw_only=True)
class Session:
    """An access token; a fixed one exists from the start and needs no log-in."""

    staff: Staff
    token: str
    secret: str
    fixed: bool = False
    workstations: set[int] = field(default_factory=set)

    @property
    def authorization(self) -> str:
        return f"PAS {SITE_DOMAIN}:{self.token}:{self.secret}"


STAFF = (
    Staff(101, "head", "Hanna Head", 3),
    Staff(102, "desk", "Dana Desk", 3),
    Staff(103, "annex", "Alex Annex", 4),
)


class Authenticator:
    """The sessions of all staff, and the failed log-ins."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sessions: dict[str, Session] = {}
        self.failures: dict[str, list[datetime]] = {}
        for staff in STAFF:
            name = staff.username
            self.sessions[f"{name}-token"] = Session(
                staff=staff, token=f"{name}-token", secret=f"{name}-secret", fixed=True
            )

    def get_staff(self, username: str) -> Staff:
        return next(staff for staff in STAFF if staff.username == username)

    def authorization(self, username: str) -> str:
        """Return the Authorization header of a staff member's fixed session."""
        return self.sessions[f"{username}-token"].authorization

    def authorizations(self) -> dict[str, str]:
        return {staff.username: self.authorization(staff.username) for staff in STAFF}

    def authenticate(self, authorization: str, site_domain: str) -> Session:
        """Return the session of a PAS or Bearer header. Raises Unauthorized."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme == "Bearer" and credentials in self.sessions:
            return self.sessions[credentials]
        domain, token, secret = [*credentials.split(":"), "", "", ""][:3]
        session = self.sessions.get(token)
        if scheme != "PAS" or domain != site_domain or session is None or session.secret != secret:
            raise Unauthorized
        return session

    def log_in(self, authorization: str) -> Session:
        """Open a session for Basic credentials. Raises Unauthorized, for a while after three failures too."""
        username, password = parse_basic_credentials(authorization)
        staff = next((each for each in STAFF if each.username == username), None)
        if staff is None or self.is_locked_out(username) or password != staff.password:
            self.failures.setdefault(username, []).append(self.clock.now())
            raise Unauthorized
        self.failures.pop(username, None)
        session = Session(staff=staff, token=secrets.token_hex(16), secret=secrets.token_hex(16))
        self.sessions[session.token] = session
        return session

    def is_locked_out(self, username: str) -> bool:
        since = self.clock.now() - FAILURE_WINDOW
        return sum(when > since for when in self.failures.get(username, [])) >= MAX_FAILURES

    def log_in_view(self, session: Session) -> Record:
        expires = self.clock.now() + timedelta(days=1)
        staff = session.staff
        return {
            "SiteDomain": SITE_DOMAIN,
            "UserDomain": USER_DOMAIN,
            "AccessToken": session.token,
            "AccessSecret": session.secret,
            "AuthExpDate": expires.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "PolarisUser": {
                "PolarisUserID": staff.id,
                "OrganizationID": staff.branch,
                "Name": staff.name,
                "BranchID": staff.branch,
                "Enabled": True,
            },
        }


def parse_basic_credentials(authorization: str) -> tuple[str, str]:
    """Parse a Basic header whose user name has a domain. Returns the name without it, and the password."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized from error
    login, _, password = text.partition(":")
    domain, _, username = login.rpartition("\\")
    if scheme != "Basic" or domain.upper() != USER_DOMAIN:
        raise Unauthorized
    return username, password
