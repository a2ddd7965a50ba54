"""Opens a vault whose key is sealed by a passphrase: asked for once per process, whoever needs it first.

`WHARF_PASSPHRASE_FILE` answers in the place of a person: the path of a file that nobody else can read, or `fd:N` for a
descriptor that the process was started with. Where neither is there, it is an error at once; nothing waits.
"""

import asyncio
import os
import select
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeAlias

from tui.trust.secrets import resolve_secret, text_of
from tui.trust.vault import Vault
from tui.trust.vault_key import VaultLocked, VaultProblem, WrongPassphrase

VARIABLE = "WHARF_PASSPHRASE_FILE"

Ask: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Asks somebody for the passphrase. Gets what was wrong with the last answer, or nothing; None when they decline."""

_PATIENCE = 10.0
"""Seconds for a descriptor to give the whole passphrase."""


class VaultOpener:
    """Shared by all who need the vault. `ask` is set by whoever can ask somebody."""

    def __init__(self, vault: Vault, ask: Ask | None = None) -> None:
        self.ask = ask
        self._vault = vault
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Return once the vault is not locked. All who wait at the same time share one question and its outcome.
        Raises VaultProblem, also when nobody can be asked or they decline."""
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open(), name="opening of the vault")
            # Whoever waits gets the error; when nobody does any more, it matters to nobody.
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Shielded: one who stops waiting must not take the question away from the others.
        await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Stop asking."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})

    async def _open(self) -> None:
        if not await asyncio.to_thread(self._vault.is_locked):
            return
        reference = os.environ.get(VARIABLE)
        if reference:
            await self._open_by(reference)
        elif self.ask is None:
            raise VaultLocked(self._vault.key_path)
        else:
            await self._open_by_asking(self.ask)

    async def _open_by(self, reference: str) -> None:
        try:
            await asyncio.to_thread(self._vault.unlock, await _passphrase_from(reference, self._vault))
        except WrongPassphrase as error:
            raise VaultProblem(
                f"{VARIABLE} holds another passphrase than the vault's.", f"Correct what {reference} gives."
            ) from error

    async def _open_by_asking(self, ask: Ask) -> None:
        complaint = ""
        while True:
            passphrase = await ask(complaint)
            if passphrase is None:
                raise VaultProblem(
                    "The vault stays locked: no passphrase was given.", "Run it again and give the passphrase."
                )
            try:
                await asyncio.to_thread(self._vault.unlock, passphrase)
            except WrongPassphrase as error:
                complaint = str(error)
            else:
                return


async def _passphrase_from(reference: str, vault: Vault) -> str:
    if not reference.startswith("fd:"):
        return await resolve_secret(f"file:{reference}", vault)
    number = reference.removeprefix("fd:")
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise VaultProblem(f"{VARIABLE} names no descriptor.", "Write it as fd:3, or name a file.")
    try:
        content = await asyncio.to_thread(_read_descriptor, int(number))
    except OSError as error:
        raise VaultProblem(
            f"The descriptor {number} of {VARIABLE} cannot be read: {error.strerror or error}.",
            "Start Wharf with the passphrase ready there, and close the other end after it.",
        ) from error
    return text_of(f"fd:{number}", content)


def _read_descriptor(descriptor: int) -> bytes:
    """Everything up to the end. Raises OSError; when the end does not come in time, too."""
    content = bytearray()
    deadline = monotonic() + _PATIENCE
    try:
        while len(content) <= 64 * 1024:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise TimeoutError(0, f"it has not come to an end within {_PATIENCE:g} s")
            block = os.read(descriptor, 4096)
            if not block:
                break
            content += block
    finally:
        os.close(descriptor)
    return bytes(content)
