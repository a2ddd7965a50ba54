"""Finds a secret in whatever form it was written. On its own: it knows nothing of how the product scrubs."""

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

CANARIES = {
    name: f"Cnry+{name}/7&kQ=9 zX"
    for name in ("ftp", "smtp", "imap", "sftp", "keyphrase", "vaultphrase", "typed", "clear", "command", "other")
}
"""By where they are planted. Every one changes when it is encoded for a URL or quoted for a shell or for HTML."""
CANARIES["token"] = "ya29.CnryToken-7_kQ9zX"

_TOKEN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")


def leaks(where: str, content: bytes) -> list[str]:
    """What is found in the content, in words; nothing when all is well."""
    found = []
    folded = content.lower()
    hidden = list(_hidden_in(content))
    for name, canary in CANARIES.items():
        forms = {
            "as it is": canary.encode(),
            "for a URL": quote(canary, safe="").encode(),
            "for a query": quote_plus(canary).encode(),
            "for a URL in part": quote(canary).encode(),
            "in HTML": canary.replace("&", "&amp;").encode(),
            "in hexadecimal": canary.encode().hex().encode(),
            "in UTF-16": canary.encode("utf-16-le"),
            "without its spaces": canary.replace(" ", "").encode(),
        }
        found += [f"{name} {how} in {where}" for how, form in forms.items() if form.lower() in folded]
        if any(canary.encode() in each for each in hidden):
            found.append(f"{name} in base64 in {where}")
        # In a picture words may be apart: the first one alone tells enough.
        if canary.split()[0].encode().lower() in folded:
            found.append(f"the beginning of {name} in {where}")
    return found


def leaks_in_files(folder: Path, *, planted: Iterable[Path] = ()) -> list[str]:
    """What is found below a folder, also in names, except in the files in which the test has put it."""
    found = []
    for path in sorted(folder.rglob("*")):
        found += leaks(f"the name {path}", str(path.relative_to(folder)).encode("utf-8", "surrogateescape"))
        if path.is_file() and path not in planted:
            found += leaks(str(path), path.read_bytes())
    return found


def _hidden_in(content: bytes) -> Iterator[bytes]:
    """What is written in base64, wherever it begins."""
    for token in _TOKEN.findall(content):
        plain = token.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            cut = plain[start:]
            yield base64.b64decode(cut[: len(cut) // 4 * 4] + b"")
            yield base64.b64decode(cut + b"A" * (-len(cut) % 4))
