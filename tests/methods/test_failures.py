"""What the operating system reports, as failures that say what to do."""

import errno
import os
import ssl

import pytest

from tui.domain.failure import FailureClass
from tui.methods.failures import file_failure, network_failure


@pytest.mark.parametrize(
    ("number", "failure_class", "advice"),
    [
        (errno.ENOENT, FailureClass.NOT_FOUND, "Create the folder"),
        (errno.EACCES, FailureClass.PERMISSION, "Ask for the right"),
        (errno.ELOOP, FailureClass.PERMISSION, "Ask for the right"),
        (errno.ENOSPC, FailureClass.SPACE, "Make room"),
        (errno.EIO, FailureClass.INTEGRITY, "log of this machine"),
        (errno.EMFILE, FailureClass.BUSY, "log of this machine"),
        (errno.ESTALE, FailureClass.BUSY, "log of this machine"),
        (errno.ENODEV, FailureClass.CONFIG, "log of this machine"),
    ],
)
def test_what_the_file_system_raises(number: int, failure_class: FailureClass, advice: str) -> None:
    failed = file_failure(OSError(number, os.strerror(number)), "Writing /in/a.csv")
    assert failed.failure.failure_class is failure_class
    assert failed.failure.message == f"Writing /in/a.csv failed: {os.strerror(number)}."
    assert advice in failed.failure.remedy
    assert "key e" not in failed.failure.remedy


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), FailureClass.NETWORK),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed"), FailureClass.NETWORK),
        (ssl.SSLError(1, "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE]"), FailureClass.TLS),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), FailureClass.TLS),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), FailureClass.NETWORK),
        (TimeoutError(), FailureClass.TIMEOUT),
    ],
)
def test_what_sockets_and_tls_raise(error: OSError, failure_class: FailureClass) -> None:
    """An end in the midst of TLS is no fault of the encryption: a retry can help."""
    if isinstance(error, ssl.SSLError):
        error.reason = "SSLV3_ALERT_HANDSHAKE_FAILURE"
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_code, error.verify_message = 10, "certificate has expired"
    assert network_failure(error, "ftp.acme.example:21").failure.failure_class is failure_class
