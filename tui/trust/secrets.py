"""Secret references: where a secret is, instead of the secret. Each is resolved when it is needed and not kept.

    env:NAME              an environment variable
    file:PATH             the content of a file that nobody else can read
    cmd:COMMAND           what a command prints, such as `cmd:pass show acme/sftp`; no shell
    vault:NAME            Wharf's own encrypted file
    keyring:SERVICE/USER  the desktop's or another keyring, through the optional library `keyring`

A value appears in no message, and no exception that carries it is chained to one that is raised.
"""

import asyncio
import os
import shlex
import signal
import stat
from contextlib import suppress
from pathlib import Path

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.text import printable
from tui.paths import expanded
from tui.trust.private_file import why_not_private
from tui.trust.vault import Vault

_COMMAND_LIMIT = 30.0
"""Seconds that a command may take."""
_LONGEST_SECRET = 64 * 1024
"""Bytes. Larger is not a secret but the wrong file or a command that does not stop."""


async def resolve_secret(reference: str, vault: Vault) -> str:
    """The secret that the reference points to. Raises TransferFailed (config), naming the reference and the reason."""
    scheme, _, rest = reference.partition(":")
    match scheme:
        case "env":
            secret = _from_environment(reference, rest)
        case "file":
            secret = await asyncio.to_thread(_from_file, reference, rest)
        case "cmd":
            secret = await _from_command(reference, rest)
        case "vault":
            secret = await asyncio.to_thread(vault.get, rest)
        case "keyring":
            secret = await asyncio.to_thread(_from_keyring, reference, rest)
        case _:
            raise TransferFailed(
                FailureClass.CONFIG,
                "A secret is given in a way that Wharf does not know.",
                remedy="Write it as env:NAME, file:PATH, cmd:COMMAND, vault:NAME or keyring:SERVICE/USER.",
            )
    if not secret:
        raise _problem(reference, "it is empty", "Put the secret there.")
    return secret


def _problem(reference: str, reason: str, remedy: str) -> TransferFailed:
    return TransferFailed(
        FailureClass.CONFIG, f"The secret {printable(reference, 120)} cannot be had: {reason}.", remedy=remedy
    )


def _from_environment(reference: str, name: str) -> str:
    content = os.environb.get(os.fsencode(name))
    if content is None:
        raise _problem(
            reference,
            "that environment variable is not set",
            f"Set {name} for the process that runs Wharf, or correct the reference in the connection.",
        )
    return text_of(reference, content)


def _from_file(reference: str, place: str) -> str:
    path = expanded(place)
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its other end; it is refused below.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check_file(reference, path, os.fstat(file))
            content = os.read(file, _LONGEST_SECRET + 1)
        finally:
            os.close(file)
    except OSError as error:
        raise _problem(
            reference, f"{error.strerror or error}", "Correct the path or the rights of the file."
        ) from error
    return text_of(reference, content)


def _check_file(reference: str, path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _problem(reference, "it is not a regular file", "Name a regular file.")
    exposed = why_not_private(found)
    if exposed is not None:
        why, cure = exposed
        raise _problem(
            reference, why, f"Make it yours alone ({cure} {path}); if others could read it, change the secret."
        )


async def _from_command(reference: str, command: str) -> str:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise _problem(reference, f"the command cannot be split ({error})", "Correct its quotes.") from error
    if not arguments:
        raise _problem(reference, "there is no command", "Name one.")
    try:
        # A session of its own: the command cannot read keys from or write to the terminal that the screen is on, and
        # it can be ended together with what it starts.
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # Not shown: a program that fails may say there what it has found so far.
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _problem(reference, f"the command does not start ({error})", "Correct the command.") from error
    try:
        async with asyncio.timeout(_COMMAND_LIMIT):
            output = await _read(process.stdout)
            status = await process.wait()
    except BaseException as error:
        await _end(process)
        if isinstance(error, TimeoutError):
            limit = f"the command has not ended within {_COMMAND_LIMIT:g} s"
            raise _problem(reference, limit, "Use a command that asks nobody.") from None
        raise
    if status:
        raise _problem(
            reference,
            f"the command ended with status {status}",
            "Run the command by hand to see what it says; Wharf does not show that, because the secret may be in it.",
        )
    return text_of(reference, output)


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    """Everything up to the end of the stream, of which no more is kept than tells that it is too much."""
    assert stream is not None  # noqa: S101 - the process was started with pipes
    kept = bytearray()
    while block := await stream.read(_LONGEST_SECRET):
        kept += block[: _LONGEST_SECRET + 1 - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the command together with what it has started and what may still hold its pipes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _from_keyring(reference: str, place: str) -> str:
    service, slash, user = place.rpartition("/")
    if not (service and slash and user):
        raise _problem(reference, "it does not name a service and a user", "Write it as keyring:SERVICE/USER.")
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise _problem(
            reference,
            "the library keyring is not installed",
            "Install it with `pip install 'wharf-tui[keyring]'`, or keep the secret in the vault.",
        ) from error
    try:
        secret: str | None = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise _problem(
            reference,
            f"the keyring does not answer ({type(error).__name__})",
            "Unlock or install a keyring, or keep the secret in the vault.",
        ) from None
    if secret is None:
        raise _problem(reference, "the keyring has no such entry", f"Put it there: `keyring set {service} {user}`.")
    return secret


def text_of(reference: str, content: bytes) -> str:
    """The content as text, without the line end that editors and commands put behind it."""
    if len(content) > _LONGEST_SECRET:
        raise _problem(reference, "it is longer than 64 KiB", "Name the place that holds the secret alone.")
    # Decoded in this way because UnicodeDecodeError would carry the value.
    text = content.decode(errors="surrogateescape")
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise _problem(reference, "it is not text in UTF-8", "Store the secret as UTF-8 text.")
    return text.removesuffix("\n").removesuffix("\r")
