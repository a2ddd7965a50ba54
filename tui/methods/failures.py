"""Says in a sentence, with a failure class, what the operating system and TLS report."""

import errno
import socket
import ssl

from tui.domain.failure import FailureClass, TransferFailed

_BY_ERRNO = {
    errno.ECONNREFUSED: FailureClass.REFUSED,
    errno.ENOSPC: FailureClass.SPACE,
    errno.EDQUOT: FailureClass.SPACE,
    errno.EACCES: FailureClass.PERMISSION,
    errno.EPERM: FailureClass.PERMISSION,
    errno.EROFS: FailureClass.PERMISSION,
    errno.ENOENT: FailureClass.NOT_FOUND,
    errno.ENOTDIR: FailureClass.NOT_FOUND,
    errno.ETIMEDOUT: FailureClass.TIMEOUT,
    errno.ENAMETOOLONG: FailureClass.UNSAFE_NAME,
    # A link lies where a file was to be opened that must be none.
    errno.ELOOP: FailureClass.PERMISSION,
}

_OF_THE_MACHINE = {
    errno.EIO: FailureClass.INTEGRITY,
    errno.ESTALE: FailureClass.BUSY,
    errno.EBUSY: FailureClass.BUSY,
    errno.EMFILE: FailureClass.BUSY,
    errno.ENFILE: FailureClass.BUSY,
    errno.ENOMEM: FailureClass.BUSY,
}
_MACHINE_REMEDY = (
    "Nothing is wrong with the connection: look at the folder, its disk and the log of this machine, then run it again."
)
"""For these, and for whatever has no class of its own."""

_BY_VERIFY_CODE = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "nobody but itself has signed it",
    19: "it is signed by a CA that is not trusted here",
    20: "it is signed by a CA that is not trusted here",
    21: "it is signed by a CA that is not trusted here",
    62: "it is for another host name",
    64: "it is for another address",
}
"""Results of a verification as OpenSSL numbers them (openssl-verification-options(1))."""


def why_refused(error: ssl.SSLCertVerificationError) -> str:
    """Why a certificate did not pass, in a few words."""
    return _BY_VERIFY_CODE.get(error.verify_code) or error.verify_message.rstrip(".") or "it cannot be verified"


def network_failure(error: OSError, where: str) -> TransferFailed:
    """Translate what sockets and TLS raise. `where` names the peer, such as `sftp.acme.example:22`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransferFailed(
            FailureClass.TLS,
            f"The certificate of {where} is not trusted: {why_refused(error)}.",
            remedy=(
                "Ask the partner for a valid certificate, or name the file of its CA in the connection. Key t (Test) "
                "shows the certificate and can pin exactly this one."
            ),
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        # A server that dies or is stopped leaves TLS like this, in the midst of a handshake too.
        return TransferFailed(FailureClass.NETWORK, f"The connection to {where} broke: it ended in the midst of TLS.")
    if isinstance(error, ssl.SSLError):
        return TransferFailed(FailureClass.TLS, f"TLS with {where} failed: {error.reason or error}.")
    if isinstance(error, socket.gaierror):
        return TransferFailed(
            FailureClass.NETWORK,
            f"The host name of {where} does not resolve ({error.strerror}).",
            remedy="Check the host name for a typing mistake and the name server of this machine.",
        )
    if isinstance(error, TimeoutError):
        return TransferFailed(FailureClass.TIMEOUT, f"{where} did not answer in time.")
    if error.errno == errno.ECONNREFUSED or isinstance(error, ConnectionRefusedError):
        return TransferFailed(FailureClass.REFUSED, f"{where} refused the connection: nothing listens on that port.")
    failure_class = FailureClass.TIMEOUT if error.errno == errno.ETIMEDOUT else FailureClass.NETWORK
    return TransferFailed(failure_class, f"The connection to {where} broke: {error.strerror or error}.")


def file_failure(error: OSError, doing: str) -> TransferFailed:
    """Translate what the local file system raises. `doing` says what was tried, such as `writing /in/a.csv`."""
    told, number = f"{doing} failed: {error.strerror or error}.", error.errno or 0
    if number in _BY_ERRNO:
        return TransferFailed(_BY_ERRNO[number], told)
    return TransferFailed(_OF_THE_MACHINE.get(number, FailureClass.CONFIG), told, remedy=_MACHINE_REMEDY)
