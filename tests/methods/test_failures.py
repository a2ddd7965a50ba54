"""What the operating system reports, as failures that say what to do."""

import errno
import os

import pytest

from tui.domain.failure import FailureClass
from tui.methods.failures import file_failure


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
