"""A secret that others repeat is taken out of their texts, in whatever usual form; nothing else is."""

import asyncio
import base64
import gc
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.scrubbing import MASK, Scrubber, scrubbed, scrubbed_of_all, scrubbing
from tui.domain.text import printable

SECRET = 'Tr0ub4 &"\\dor+3/ü='

SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MASK), min_size=6, max_size=40).filter(
    lambda text: len(text.strip()) > 5
)
AROUND = st.text(max_size=60)


def knowing(*secrets: str) -> Scrubber:
    scrubber = Scrubber()
    for secret in secrets:
        scrubber.learn(secret)
    return scrubber


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.upper(),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET),
        repr(SECRET),
        repr(SECRET.encode()),
        SECRET.encode().decode("latin-1"),
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"\0wharf\0{SECRET}".encode()).decode(),
        base64.b64encode(f"user=wharf\1auth=Bearer {SECRET}\1\1".encode()).decode(),
    ],
)
def test_every_form_is_found(form: str) -> None:
    scrubbed_text = knowing(SECRET).scrub(f"535 no: {form} is wrong")
    assert MASK in scrubbed_text
    assert form not in scrubbed_text
    assert scrubbed_text.startswith("535 no: ")
    assert scrubbed_text.endswith(" is wrong")


@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_no_secret_stays(secret: str, before: str, after: str) -> None:
    assert secret not in knowing(secret).scrub(f"{before}{secret}{after}")


@given(secret=SECRETS, before=st.text(max_size=300), times=st.integers(1, 40), limit=st.integers(1, 300))
def test_no_beginning_of_a_secret_stays_where_a_text_is_cut(secret: str, before: str, times: int, limit: int) -> None:
    with scrubbing(knowing(secret)):
        shown = printable((before + secret) * times, limit)
    assert len(shown) <= limit
    allowed = printable(before) + printable(MASK)
    for length in range(4, len(secret)):
        beginning = printable(secret[:length])
        if beginning.casefold() not in allowed.casefold() * 2:
            assert not shown.removesuffix("…").endswith(beginning)


@given(text=st.text(max_size=200))
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert knowing("correct horse 42").scrub(text) == text


def test_what_is_short_is_left_alone() -> None:
    assert knowing("abc", "").scrub("abc def") == "abc def"


def test_a_huge_text_costs_no_more_than_what_is_shown_of_it() -> None:
    scrubber = knowing("correct horse 42")
    began = time.perf_counter()
    for _ in range(100):
        scrubber.scrub("correct horse 4" * 1_000_000, 1000)
    assert time.perf_counter() - began < 2


async def test_tasks_and_threads_know_what_their_work_knows() -> None:
    scrubber = Scrubber()

    async def tell() -> str:
        return printable("hunter22")

    with scrubbing(scrubber):
        task = asyncio.create_task(tell())
        scrubber.learn("hunter22")
        assert await task == MASK
        assert await asyncio.to_thread(printable, "hunter22") == MASK
        assert str(TransferFailed(FailureClass.AUTH, "535 hunter22 is wrong.")) == f"535 {MASK} is wrong."
    assert printable("hunter22") == "hunter22"


def test_logs_know_all_as_long_as_any_work_does() -> None:
    first, second = knowing("hunter22"), knowing("correct horse")
    assert scrubbed("hunter22") == "hunter22"
    assert scrubbed_of_all("hunter22, correct horse") == f"{MASK}, {MASK}"
    del first
    gc.collect()
    assert scrubbed_of_all("hunter22, correct horse") == f"hunter22, {MASK}"
    assert "horse" not in repr(second)
