"""`wharf demo --check`: runs every connection of the demo without a screen and compares what arrived."""

import asyncio
from dataclasses import dataclass

from tui.demo.stage import Scene, Stage
from tui.domain.run import Run, Status
from tui.engine import Engine


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one connection: the cells of its line, and whether it is as expected."""

    cells: tuple[str, ...]
    good: bool


_HEADINGS = ("Connection", "Direction", "Method", "Files", "Bytes", "Expected", "Got")


async def check_all(engine: Engine, stage: Stage) -> int:
    """Run all, print the table, return 0 when all ended as expected and every delivered byte equals its source."""
    verdicts = await asyncio.gather(*(_check(engine, stage, scene) for scene in stage.scenes))
    _print_table([verdict.cells for verdict in verdicts])
    wrong = sum(not verdict.good for verdict in verdicts)
    print()
    print("All ended as expected." if not wrong else f"{wrong} of {len(verdicts)} did not end as expected.")
    return 1 if wrong else 0


async def _check(engine: Engine, stage: Stage, scene: Scene) -> Verdict:
    started = await engine.start(scene.connection.name)
    ended = await engine.wait(started.run_id)
    delivered = await asyncio.to_thread(stage.delivered, scene)
    expected = _expectation(scene)
    outcome = _outcome(ended)
    contents = _compare(dict(scene.files), delivered)
    connection = scene.connection
    return Verdict(
        (
            connection.name,
            connection.direction.label,
            connection.method.label,
            str(ended.progress.files_done),
            f"{sum(map(len, delivered.values())):,}",
            expected,
            outcome if contents is None else f"{outcome}; {contents}",
        ),
        expected == outcome and contents is None,
    )


def _expectation(scene: Scene) -> str:
    if scene.failure is not None:
        return f"Failed ({scene.failure})"
    return f"Completed, {len(scene.files)} identical"


def _outcome(run: Run) -> str:
    if run.status is Status.COMPLETED:
        return f"Completed, {run.progress.files_done} identical"
    return f"{run.status} ({run.failure.failure_class if run.failure else 'no reason'})"


def _compare(sources: dict[str, bytes], delivered: dict[str, bytes]) -> str | None:
    """What is wrong with the delivered files, or None when they are the source's, byte for byte."""
    if delivered == sources:
        return None
    missing = sources.keys() - delivered.keys()
    extra = delivered.keys() - sources.keys()
    differ = {name for name in sources.keys() & delivered.keys() if sources[name] != delivered[name]}
    parts = (("missing", missing), ("unexpected", extra), ("different", differ))
    return "; ".join(f"{label}: {', '.join(sorted(names))}" for label, names in parts if names)


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row in [_HEADINGS, tuple("-" * width for width in widths), *rows]:
        cells = (
            cell.rjust(width) if heading in {"Files", "Bytes"} else cell.ljust(width)
            for heading, cell, width in zip(_HEADINGS, row, widths, strict=True)
        )
        print("  ".join(cells).rstrip())
