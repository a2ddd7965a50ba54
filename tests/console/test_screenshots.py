"""The committed pictures show what the console shows.

They are compared by what can be read, where it stands and how it looks. A snapshot plugin compares the text of the SVG,
which changes with the versions of Rich and Python while the screen stays the same.
"""

import re
import xml.etree.ElementTree as ET

import pytest

from tests.screenshots import FOLDER, SHOTS, take

_SVG = "{http://www.w3.org/2000/svg}"

Piece = tuple[float, float, str, str]
"""A text of a picture: where it stands, what it says, and its style."""


def pieces_of(svg: str) -> list[Piece]:
    """All that can be read in the picture; not how the SVG around it is written, which may change with Rich."""
    root = ET.fromstring(svg)  # noqa: S314 - written by us
    rules = dict(re.findall(r"\.([\w-]+) \{ ([^}]*) \}", "".join(root.itertext())))
    return sorted(
        (float(text.get("x", "0")), float(text.get("y", "0")), text.text or "", rules.get(text.get("class", ""), ""))
        for text in root.iter(f"{_SVG}text")
    )


@pytest.mark.parametrize("name", SHOTS)
async def test_a_committed_picture_shows_the_console_as_it_is(name: str) -> None:
    path = FOLDER / f"{name}.svg"
    assert path.exists(), "python -m tests.screenshots writes the pictures"
    committed, fresh = pieces_of(path.read_text(encoding="utf-8")), pieces_of(await take(name))
    assert len(fresh) > 20
    assert fresh == committed, "the console has changed: python -m tests.screenshots takes the pictures again"


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(SHOTS)


async def test_a_changed_word_or_colour_is_noticed() -> None:
    svg = await take("run-failed")
    assert pieces_of(svg.replace("space", "sp&#97;ce")) == pieces_of(svg)
    assert pieces_of(svg.replace("host", "hosts", 1).replace("Failed", "Feiled")) != pieces_of(svg)
    colour = re.search(r"fill: (#[0-9a-f]{6})", svg)
    assert colour is not None
    assert pieces_of(svg.replace(colour[1], "#123456")) != pieces_of(svg)
