"""What is thought of a file after it was moved away."""

from dataclasses import replace

import pytest

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Entry
from tui.methods.moving import AfterMove, ChangedMeanwhile, LeftMoved

DELIVERED = Entry.named("a.csv", 9, 1000.0, "/out/a.csv")
STAMPED = replace(DELIVERED, mtime=2000.0)


async def put_back() -> None:
    return


async def check(after: AfterMove, moved: Entry | None) -> None:
    await after.check(DELIVERED, moved, "done/a.csv", put_back)


async def test_another_size_tells_that_it_has_changed() -> None:
    with pytest.raises(ChangedMeanwhile):
        await check(AfterMove(), replace(DELIVERED, size=10))


async def test_another_time_tells_only_where_a_rename_keeps_it() -> None:
    after = AfterMove()
    await check(after, STAMPED)
    await check(after, DELIVERED)
    with pytest.raises(ChangedMeanwhile):
        await check(after, STAMPED)


async def test_what_is_gone_again_is_no_matter() -> None:
    await check(AfterMove(), None)


async def test_what_cannot_be_put_back_is_told_with_its_place_and_the_reason() -> None:
    async def refuse() -> None:
        raise TransferFailed(FailureClass.PERMISSION, "Renaming is not allowed.")

    with pytest.raises(LeftMoved, match=r"in done/a\.csv, it was not delivered.*Renaming is not allowed\."):
        await AfterMove().check(DELIVERED, replace(DELIVERED, size=10), "done/a.csv", refuse)
