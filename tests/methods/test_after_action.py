"""What becomes of delivered files, whatever happens to them at the moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.run import Event
from tui.domain.terms import After
from tui.methods.after_action import AfterAction, ChangedMeanwhile, LeftAside
from tui.methods.base import Each, Entry
from tui.methods.narration import Narrator

DELIVERED = Entry.named("a.csv", 9, 1000.0, "a.csv")
CHANGED = (10, 1001.0)
STAMPED = (9, 2000.0)
BROKEN = TransferFailed(FailureClass.NETWORK, "The connection broke.")
FORBIDDEN = TransferFailed(FailureClass.PERMISSION, "That is not allowed.")


@dataclass
class Memory:
    """Places in memory: size and time of each file by its name. What is asked of them is in `asked`."""

    files: dict[str, tuple[int, float]]
    asked: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens before such a request is carried out, once."""
    failures: dict[str, TransferFailed] = field(default_factory=dict)
    """What every such request comes to."""
    stamps: bool = False
    """Whether a rename gives a new time."""

    def begin(self, request: str) -> None:
        self.asked.append(request)
        self.before.pop(request, lambda: None)()

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        self.begin("look")
        return [self.failures.get("look", self.look(entry)) for entry in entries]

    def look(self, entry: Entry) -> Entry | None:
        found = self.files.get(entry.key)
        return None if found is None else Entry.named(entry.name, *found, entry.key)

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        self.begin("rename")
        if "rename" in self.failures:
            return [self.failures["rename"]] * len(files)
        return [self.rename(old.key, new.key) for old, new in files]

    def rename(self, old: str, new: str) -> TransferFailed | None:
        if old not in self.files:
            return TransferFailed(FailureClass.NOT_FOUND, f"There is no {old}.")
        self.files[new] = self.files.pop(old)
        if self.stamps:
            self.files[new] = (self.files[new][0], 2000.0)
        return None

    async def put_back(self, place: Entry, entry: Entry) -> None:
        self.begin("put back")
        if "put back" in self.failures:
            raise self.failures["put back"]
        if entry.key in self.files:
            raise TransferFailed(FailureClass.REJECTED, "A file of its name has come meanwhile.")
        self.rename(place.key, entry.key)

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        self.begin("delete")
        if "delete" in self.failures:
            return [self.failures["delete"]] * len(entries)
        for entry in entries:
            self.files.pop(entry.key, None)
        return [None] * len(entries)

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        self.begin("store")
        if "store" in self.failures:
            return [self.failures["store"]] * len(files)
        stored = [replace(entry, key=f"done/{entry.name}") for _, entry in files]
        for (place, _), there in zip(files, stored, strict=True):
            self.files[there.key] = self.files.pop(place.key)
        return list(stored)


@pytest.fixture(params=[After.DELETE, After.MOVE], ids=str)
def after(request: pytest.FixtureRequest) -> After:
    assert isinstance(request.param, After)
    return request.param


@pytest.fixture
def memory() -> Memory:
    return Memory({"a.csv": (9, 1000.0)})


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def action(after: After, memory: Memory, told: list[Event]) -> AfterAction:
    return AfterAction(after, memory, Narrator(told.append))


def ending(after: After) -> dict[str, tuple[int, float]]:
    return {} if after is After.DELETE else {"done/a.csv": (9, 1000.0)}


async def test_each_step_is_one_request_for_all_files(after: After, told: list[Event]) -> None:
    memory = Memory({f"{number}.csv": (9, 1000.0) for number in range(100)})
    entries = [Entry.named(name, 9, 1000.0, name) for name in memory.files]
    assert await AfterAction(after, memory, Narrator(told.append)).do(entries) == [None] * 100
    assert memory.asked == ["rename", "look", "delete" if after is After.DELETE else "store"]
    assert (len(memory.files), told) == (0 if after is After.DELETE else 100, [])


@pytest.mark.parametrize("moment", ["rename", "look"])
async def test_what_changes_up_to_the_look_keeps_its_name(
    after: After, memory: Memory, action: AfterAction, moment: str
) -> None:
    action._keeps_times = True
    memory.before[moment] = lambda: memory.files.update(dict.fromkeys(memory.files, CHANGED))
    [outcome] = await action.do([DELIVERED])
    assert isinstance(outcome, ChangedMeanwhile)
    assert memory.files == {"a.csv": CHANGED}


async def test_what_comes_under_its_name_meanwhile_is_another_file(
    after: After, memory: Memory, action: AfterAction
) -> None:
    memory.before["look"] = lambda: memory.files.update({"a.csv": CHANGED})
    assert await action.do([DELIVERED]) == [None]
    assert memory.files == {"a.csv": CHANGED, **ending(after)}


async def test_another_time_tells_only_where_a_rename_keeps_it(memory: Memory, action: AfterAction) -> None:
    memory.stamps = True
    assert await action.do([DELIVERED]) == [None]
    memory.stamps = False
    memory.files = {"a.csv": (9, 1000.0), "b.csv": STAMPED}
    outcomes = await action.do([Entry.named("b.csv", 9, 1000.0, "b.csv"), DELIVERED])
    assert isinstance(outcomes[0], ChangedMeanwhile)
    assert outcomes[1] is None


@pytest.mark.parametrize("moment", ["rename", "look"])
async def test_what_somebody_else_has_taken_away_is_no_matter(
    memory: Memory, action: AfterAction, told: list[Event], moment: str
) -> None:
    memory.before[moment] = memory.files.clear
    assert await action.do([DELIVERED]) == [None]
    assert told == []


async def test_what_cannot_be_put_back_is_told_with_its_place_and_the_reason(
    memory: Memory, action: AfterAction
) -> None:
    memory.before["rename"] = lambda: memory.files.update({"a.csv": CHANGED})
    memory.failures["put back"] = FORBIDDEN
    [outcome] = await action.do([DELIVERED])
    assert isinstance(outcome, LeftAside)
    assert "in a.csv.wharf-gone, it was not delivered" in str(outcome)
    assert "That is not allowed." in str(outcome)


@pytest.mark.parametrize("changed", [False, True])
async def test_where_nothing_can_be_set_aside_it_is_told_once_and_looked_at_all_the_same(
    after: After, memory: Memory, action: AfterAction, told: list[Event], changed: bool
) -> None:
    memory.failures["rename"] = FORBIDDEN
    if changed:
        memory.before["rename"] = lambda: memory.files.update({"a.csv": CHANGED})
    [outcome] = await action.do([DELIVERED])
    assert isinstance(outcome, ChangedMeanwhile) == changed
    assert memory.files == ({"a.csv": CHANGED} if changed else ending(after))
    memory.files["a.csv"] = (9, 1000.0)
    await action.do([DELIVERED])
    [event] = told
    assert event.detail.startswith("a file is not set aside here")
    assert "That is not allowed." in event.detail


async def test_what_does_not_go_gets_its_name_back(after: After, memory: Memory, action: AfterAction) -> None:
    memory.failures["delete" if after is After.DELETE else "store"] = FORBIDDEN
    assert await action.do([DELIVERED]) == [FORBIDDEN]
    assert memory.files == {"a.csv": (9, 1000.0)}


@pytest.mark.parametrize("moment", ["look", "delete or store", "put back"])
async def test_a_connection_that_breaks_leaves_the_file_set_aside(
    after: After, memory: Memory, action: AfterAction, moment: str
) -> None:
    if moment == "put back":
        memory.before["rename"] = lambda: memory.files.update({"a.csv": CHANGED})
    going = "delete" if after is After.DELETE else "store"
    memory.failures[going if moment == "delete or store" else moment] = BROKEN
    assert await action.do([DELIVERED]) == [BROKEN]
    assert list(memory.files) == ["a.csv.wharf-gone"]

    memory.failures.clear()
    await (action.put_back if moment == "put back" else action.finish)(DELIVERED)
    assert memory.files == ({"a.csv": CHANGED} if moment == "put back" else ending(after))


async def test_nothing_is_asked_where_files_are_kept(memory: Memory) -> None:
    assert await AfterAction(After.KEEP, memory, Narrator(lambda _: None)).do([DELIVERED]) == [None]
    assert memory.asked == []
