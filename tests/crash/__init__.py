"""Processes that are killed or stopped at any moment, on either side, and what must be true afterwards."""

import pytest

pytest.register_assert_rewrite("tests.crash.exchange", "tests.crash.victims")
