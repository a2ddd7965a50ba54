"""XOAUTH2: logging in to a mail server with a token in the place of a password.

The form of the login and of the server's challenge is that of
https://developers.google.com/workspace/gmail/imap/xoauth2-protocol, which other large providers have taken over.
"""

import base64
import json
import re

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.text import printable

REMEDY = (
    "Run the command that the secret names by hand and see that its token is fresh and made for this mailbox; a "
    "refused login is not retried."
)

_LONGEST_REASON = 200


def token_login(username: str, token: str) -> bytes:
    """What is sent to log in. Raises TransferFailed (config) for what cannot be a token (RFC 6750 section 2.1): with a
    line break or a control character in it, it would say something else to the server."""
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token):
        raise TransferFailed(
            FailureClass.CONFIG,
            "What the secret holds is no access token: a token has letters, digits and -._~+/ only.",
            remedy="Let the command print the token alone, without its kind, quotes or JSON around it.",
        )
    return f"user={username}\1auth=Bearer {token}\1\1".encode()


def challenge_in(base64_text: str) -> bytes:
    """The challenge that a server has written in base64; empty when it is none."""
    try:
        return base64.b64decode(base64_text, validate=True)
    except ValueError:
        return b""


def challenge_reason(challenge: bytes) -> str:
    """What the server says in its challenge about a token that it refuses: its `status` and `scope`. The rest of the
    challenge is not repeated. Empty where it says nothing that is understood."""
    try:
        told = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    parts = [f"{key} {told[key]}" for key in ("status", "scope") if isinstance(told.get(key), str | int)]
    return printable(", ".join(parts), _LONGEST_REASON)
