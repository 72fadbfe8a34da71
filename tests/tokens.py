"""Access tokens for tests: JSON Web Tokens without a valid signature."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode


def web_token(claims: object) -> str:
    """Return a token with these claims; bytes are used unchanged."""
    content = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"eyJhbGciOiJub25lIn0.{urlsafe_b64encode(content).decode().rstrip('=')}.c2lnbmF0dXJl"
