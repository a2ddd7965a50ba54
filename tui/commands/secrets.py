"""`wharf secret set`: puts a secret into the vault."""

import argparse
import getpass
import re
import sys

from tui.commands.opening import prepare
from tui.commands.output import COMPLETED, narrate
from tui.domain.failure import UsageProblem
from tui.domain.text import printable
from tui.domain.values import SECRET_SCHEMES
from tui.paths import Paths
from tui.trust.vault import Vault


def set_secret(args: argparse.Namespace, paths: Paths) -> int:
    """Read a secret from a prompt or from stdin and keep it. Raises UsageProblem."""
    name = _vault_name(args.reference)
    value = _prompt(name) if sys.stdin.isatty() else _from_stdin()
    if not value:
        raise UsageProblem("The secret is empty; nothing was stored.")
    prepare(paths)
    vault = Vault(paths.vault, paths.vault_key, read_only=paths.read_only)
    replaced = name in vault.names()
    vault.set(name, value)
    shown = printable(name, 80)
    narrate(f'The secret is {"replaced" if replaced else "stored"}; a connection uses it as secret = "vault:{shown}".')
    return COMPLETED


def _vault_name(reference: str) -> str:
    scheme, colon, rest = reference.partition(":")
    if colon and scheme != "vault" and scheme in SECRET_SCHEMES:
        raise UsageProblem(f"A {scheme}: reference is kept outside Wharf; only vault: secrets are set here.")
    name = (rest if colon and scheme == "vault" else reference).strip()
    if not name:
        raise UsageProblem("The reference names no secret; write a name such as acme-ftp or vault:acme-ftp.")
    return name


def _prompt(name: str) -> str:
    value = getpass.getpass(f"Secret for vault:{printable(name, 80)}: ")
    if getpass.getpass("The same again: ") != value:
        raise UsageProblem("The two entries differ; nothing was stored.")
    return value


def _from_stdin() -> str:
    """All of stdin without the one line break that `echo` and editors put at its end."""
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        # The decoder's own error shows the bytes.
        raise UsageProblem("The secret on stdin is not UTF-8 text; nothing was stored.") from None
    return re.sub(r"\r?\n\Z", "", text)
