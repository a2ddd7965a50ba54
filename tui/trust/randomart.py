"""The picture that ssh shows of a key, for people who compare pictures better than letters.

A bishop walks over a board of 17 by 9 fields, one diagonal step for every two bits of the SHA-256 digest; the more
often a field was visited, the heavier its sign (D. Loss, T. Limmer, A. von Gernler: “The drunken bishop: An analysis of
the OpenSSH fingerprint visualization algorithm”, 2009). Drawn as `ssh-keygen -lv` draws it.
"""

import base64

_COLUMNS, _ROWS = 17, 9
_SIGNS = " .o+=*BOX@%&#/^"
"""By how often a field was visited; the last one stands for every larger number too."""

_SHORT_KINDS = {
    "ssh-ed25519": "ED25519",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
    "ssh-rsa": "RSA",
    "ssh-dss": "DSA",
}


def randomart(fingerprint: str, kind: str | None = None, bits: int | None = None) -> list[str]:
    """The lines of the picture, all 19 characters wide.

    `fingerprint` is `SHA256:` and the digest in base64, `kind` the type of the key, such as `ssh-ed25519`; without it
    the upper border says nothing.
    """
    digest = base64.b64decode(fingerprint.removeprefix("SHA256:").rstrip("=") + "=")
    title = "" if kind is None else f"[{short_kind(kind)}{f' {bits}' if bits else ''}]"
    return [_border(title), *(f"|{row}|" for row in _walked(digest)), _border("[SHA256]")]


def short_kind(kind: str) -> str:
    """The type of a key as ssh-keygen writes it: `ED25519`, `RSA`, `ECDSA`."""
    return "ECDSA" if kind.startswith("ecdsa-") else _SHORT_KINDS.get(kind, kind.upper())


def _walked(digest: bytes) -> list[str]:
    visits = [[0] * _COLUMNS for _ in range(_ROWS)]
    start = (_COLUMNS // 2, _ROWS // 2)
    x, y = start
    for byte in digest:
        for shift in (0, 2, 4, 6):
            step = byte >> shift
            x = min(max(x + (1 if step & 1 else -1), 0), _COLUMNS - 1)
            y = min(max(y + (1 if step & 2 else -1), 0), _ROWS - 1)
            visits[y][x] += 1
    board = [[_SIGNS[min(count, len(_SIGNS) - 1)] for count in row] for row in visits]
    board[start[1]][start[0]] = "S"
    board[y][x] = "E"
    return ["".join(row) for row in board]


def _border(title: str) -> str:
    left = (_COLUMNS - len(title)) // 2
    return f"+{'-' * left}{title}{'-' * (_COLUMNS - len(title) - left)}+"
