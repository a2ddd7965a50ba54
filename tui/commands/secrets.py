"""`wharf secret`: puts secrets into the vault, lists and deletes them, and seals the vault by a passphrase."""

import argparse
import getpass
import re
import sys

from tui.commands.asking import confirmed, passphrase_asker
from tui.commands.interruption import run_async
from tui.commands.opening import open_store, prepare
from tui.commands.output import COMPLETED, narrate, say, say_json
from tui.domain.failure import UsageProblem
from tui.domain.text import printable
from tui.domain.values import SECRET_SCHEMES
from tui.paths import Paths
from tui.trust.unlocking import VaultOpener
from tui.trust.vault import Vault


def set_secret(args: argparse.Namespace, paths: Paths) -> int:
    """Read a secret from a prompt or from stdin and keep it. Raises UsageProblem, VaultProblem."""
    name = _vault_name(args.reference)
    vault = _open_vault(paths)
    value = _read_hidden(f"Secret for vault:{printable(name, 80)}")
    if not value:
        raise UsageProblem("The secret is empty; nothing was stored.")
    replaced = name in vault.names()
    vault.set(name, value)
    shown = printable(name, 80)
    narrate(f'The secret is {"replaced" if replaced else "stored"}; a connection uses it as secret = "vault:{shown}".')
    return COMPLETED


def list_secrets(args: argparse.Namespace, paths: Paths) -> int:
    """Print the names of the secrets in the vault, and which connections use them. Raises VaultProblem."""
    names = _open_vault(paths).names()
    users = run_async(_users(paths))
    if args.json:
        say_json([{"name": name, "connections": users.get(f"vault:{name}", [])} for name in names])
        return COMPLETED
    for name in names:
        using = ", ".join(map(printable, users.get(f"vault:{name}", []))) or "no connection uses it"
        say(f"{printable(name)}: {using}")
    return COMPLETED


def delete_secret(args: argparse.Namespace, paths: Paths) -> int:
    """Forget a secret after asking. Raises UsageProblem, VaultProblem."""
    name = _vault_name(args.reference)
    shown = printable(name, 80)
    using = ", ".join(map(printable, run_async(_users(paths)).get(f"vault:{name}", [])))
    loss = f" Then these connections cannot log in any more: {using}." if using else ""
    question = f"Delete the secret “{shown}” from the vault?{loss}"
    if not args.yes and not confirmed(question, otherwise="--yes deletes without asking"):
        raise UsageProblem(f"“{shown}” was not deleted.")
    _open_vault(paths).delete(name)
    narrate(f"The secret “{shown}” is deleted.")
    return COMPLETED


def set_passphrase(args: argparse.Namespace, paths: Paths) -> int:
    """Set, change or remove the passphrase of the vault. Raises UsageProblem, VaultProblem."""
    vault = _open_vault(paths)
    had_one = vault.has_passphrase()
    if args.remove:
        if not had_one:
            raise UsageProblem("The vault has no passphrase.")
        vault.remove_passphrase()
        narrate(f"The passphrase is removed; the key file {paths.vault_key} alone opens the vault.")
        return COMPLETED
    passphrase = _read_hidden("New passphrase of the vault")
    if not passphrase:
        raise UsageProblem("The passphrase is empty; nothing was changed. --remove removes the passphrase.")
    vault.set_passphrase(passphrase)
    narrate(
        f"The passphrase is {'changed' if had_one else 'set'}; nobody can open the vault without it. A copy of "
        f"{paths.vault_key} from before, in a backup, is opened by what opened it then."
    )
    return COMPLETED


def _open_vault(paths: Paths) -> Vault:
    """The user's vault, not locked. Raises VaultProblem."""
    prepare(paths)
    vault = Vault(paths.vault, paths.vault_key, read_only=paths.read_only)
    run_async(VaultOpener(vault, passphrase_asker()).open())
    return vault


async def _users(paths: Paths) -> dict[str, list[str]]:
    """The names of the connections by the references that they use: for the partner, for jump hosts, for a proxy."""
    async with open_store(paths) as store:
        found: dict[str, list[str]] = {}
        for connection in await store.connections():
            for reference in set(connection.references):
                found.setdefault(reference, []).append(connection.name)
        return found


def _vault_name(reference: str) -> str:
    scheme, colon, rest = reference.partition(":")
    if colon and scheme != "vault" and scheme in SECRET_SCHEMES:
        raise UsageProblem(f"A {scheme}: reference is kept outside Wharf; only vault: secrets are kept here.")
    name = (rest if colon and scheme == "vault" else reference).strip()
    if not name:
        raise UsageProblem("The reference names no secret; write a name such as acme-ftp or vault:acme-ftp.")
    return name


def _read_hidden(what: str) -> str:
    """From a prompt, twice, or all of stdin. Raises UsageProblem."""
    if not sys.stdin.isatty():
        return _from_stdin()
    value = getpass.getpass(f"{what}: ")
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
