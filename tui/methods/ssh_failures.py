"""What asyncssh and SFTP servers raise, as failures that say what happened and where."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncssh

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.text import printable
from tui.methods.failures import network_failure
from tui.methods.sftp_channel import ChannelLost
from tui.methods.sftp_wire import Malformed, Refused, Status

REQUEST_ERRORS = (Refused, Malformed, ChannelLost, asyncssh.Error, OSError)
"""What requests raise, to be translated by `request_failure`."""

_CLASSES: dict[int, FailureClass] = {
    Status.NO_SUCH_FILE: FailureClass.NOT_FOUND,
    Status.NO_SUCH_PATH: FailureClass.NOT_FOUND,
    Status.NOT_A_DIRECTORY: FailureClass.NOT_FOUND,
    Status.PERMISSION_DENIED: FailureClass.PERMISSION,
    Status.WRITE_PROTECT: FailureClass.PERMISSION,
    Status.CANNOT_DELETE: FailureClass.PERMISSION,
    Status.NO_SPACE_ON_FILESYSTEM: FailureClass.SPACE,
    Status.QUOTA_EXCEEDED: FailureClass.SPACE,
    # The server has lost what is behind it.
    Status.BAD_MESSAGE: FailureClass.NETWORK,
    Status.NO_CONNECTION: FailureClass.NETWORK,
    Status.CONNECTION_LOST: FailureClass.NETWORK,
}

_TOO_MANY_CONNECTIONS = 12
"""A reason to disconnect that the library has no class for (RFC 4253 section 11.1)."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class _Meaning:
    failure_class: FailureClass
    sentence: str
    remedy: str | None = None


_CONNECTION_ERRORS: dict[type[asyncssh.Error], _Meaning] = {
    asyncssh.PermissionDenied: _Meaning(FailureClass.AUTH, "The login at {where} was refused: {reason}."),
    # Keys are judged by Wharf itself. This is about what the library finds in a host certificate.
    asyncssh.HostKeyNotVerifiable: _Meaning(
        FailureClass.HOST_KEY,
        "The host certificate of {where} is not trusted: {reason}.",
        "Do not connect. Ask the partner by another channel about the certificate of the server's host key.",
    ),
    asyncssh.KeyExchangeFailed: _Meaning(
        FailureClass.REJECTED,
        "{where} and Wharf have no way of encryption in common: {reason}.",
        "Ask the partner which SSH algorithms the server offers; it may be too old.",
    ),
    asyncssh.ServiceNotAvailable: _Meaning(FailureClass.REFUSED, "{where} takes no logins now: {reason}."),
    asyncssh.ProtocolNotSupported: _Meaning(FailureClass.REJECTED, "{where} speaks another version of SSH: {reason}."),
    asyncssh.ChannelOpenError: _Meaning(FailureClass.REFUSED, "{where} opens no session: {reason}."),
}
_BROKEN_LINK = _Meaning(FailureClass.NETWORK, "The connection to {where} broke: {reason}.")
_BUSY_SERVER = _Meaning(FailureClass.REFUSED, "{where} has too many connections now: {reason}.")


def connection_failure(error: Exception, where: str) -> TransferFailed:
    """Translate what goes wrong with the SSH connection as a whole. `where` is such as `sftp.acme.example:22`."""
    match error:
        case TransferFailed():
            return error
        case asyncssh.DisconnectError(code=code) if code == _TOO_MANY_CONNECTIONS:
            meaning = _BUSY_SERVER
        case asyncssh.Error():
            meaning = _CONNECTION_ERRORS.get(type(error), _BROKEN_LINK)
        case OSError():
            return network_failure(error, where)
        case _:
            raise error
    # The parts are put in one by one: text from the server may contain braces.
    sentence = meaning.sentence.replace("{where}", where).replace("{reason}", _reason(error))
    return TransferFailed(meaning.failure_class, sentence, remedy=meaning.remedy)


def with_last_words(failure: TransferFailed, words: str) -> TransferFailed:
    """The failure with what somebody on the way has said of it; empty when nobody has."""
    if not words:
        return failure
    told = failure.failure
    message = f"{told.message.rstrip('.')} ({words})."
    return TransferFailed(told.failure_class, message, remedy=told.remedy)


def _reason(error: asyncssh.Error) -> str:
    return (error.reason or type(error).__name__).rstrip(".")


@contextmanager
def translated(where: str, doing: str) -> Iterator[None]:
    """Ends with what `request_failure` tells when a request within raises."""
    try:
        yield
    except REQUEST_ERRORS as error:
        raise request_failure(error, where, doing) from error


def request_failure(error: Exception, where: str, doing: str) -> TransferFailed:
    """Translate what became of one request. `doing` says what was tried, such as `Reading /out/a.csv`."""
    match error:
        case Refused():
            failure_class = _CLASSES.get(error.status, FailureClass.REJECTED)
            says = printable(error.text, _LONGEST_REASON).rstrip(".") or f"status {error.status}"
            return TransferFailed(failure_class, f"{doing} failed: {where} says “{says}”.")
        case ChannelLost():
            return TransferFailed(FailureClass.NETWORK, f"{doing} failed: the connection to {where} broke: {error}.")
        case Malformed():
            return TransferFailed(
                FailureClass.REJECTED,
                f"{doing} failed: what {where} sends is not SFTP: {error}.",
                remedy="Something at the partner may write into the session, such as a greeting in a start-up file of "
                "the shell. Ask them to try it with an SFTP client.",
            )
        case _:
            return connection_failure(error, where)
