"""Failures: each class knows whether a retry can help, and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.failure import FailureClass, TransferFailed, UnknownConnection


@pytest.mark.parametrize("failure_class", list(FailureClass))
def test_every_class_has_a_remedy(failure_class: FailureClass) -> None:
    assert failure_class.remedy.endswith(".")
    assert isinstance(failure_class.retryable, bool)


@pytest.mark.parametrize(
    "failure_class", [FailureClass.AUTH, FailureClass.HOST_KEY, FailureClass.TLS, FailureClass.CONFIG]
)
def test_what_an_operator_must_mend_is_not_retried(failure_class: FailureClass) -> None:
    assert not failure_class.retryable


@given(st.text(max_size=2000))
def test_a_message_is_one_short_printable_line(text: str) -> None:
    message = str(TransferFailed(FailureClass.NETWORK, text))
    assert len(message) <= 500
    assert "\n" not in message
    assert "\x1b" not in message
    assert TransferFailed(FailureClass.NETWORK, text).failure.message == message


def test_an_unknown_name_is_shown_harmlessly_with_the_nearest() -> None:
    assert str(UnknownConnection("acne\x1b[2J", ["acme"])) == (
        "There is no connection named “acne\\x1b[2J”. Did you mean acme?"
    )
