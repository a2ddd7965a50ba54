"""What is pressed in the walk, and what has to be seen before it goes on."""

from dataclasses import dataclass

ENTER, ESCAPE, TAB = "\r", "\x1b", "\t"


@dataclass(frozen=True, slots=True)
class Press:
    """Keys, and what is on the screen once they have had their effect."""

    keys: str
    shows: tuple[str, ...]
    """Regular expressions; all have to be found."""
    look: float = 1.5
    """Seconds for a viewer to see it."""
    faster: float = 1.0
    """How many times as fast as it happened it is shown."""


@dataclass(frozen=True, slots=True)
class Step:
    """A chapter of the walk."""

    title: str
    presses: tuple[Press, ...]


_ALL = "11 of 11 shown"
_NO_NOTIFICATION = r"(?s)\A(?!.*▌)"
_BACK_TO_HISTORY = Press(ESCAPE, ("Trigger",), look=0.5)
_BACK_TO_CONNECTIONS = Press(ESCAPE, ("Type▾",), look=0.5)
_BACK_TO_ALL = Press(ESCAPE, (_ALL,), look=1)

STEPS = (
    Step("Eleven connections to partners that the demo plays", (Press("", (_ALL, "wayne-adj", "Quit"), look=3),)),
    Step(
        "A filter",
        (
            Press("/", ("Complete",), look=0.5),
            Press("type:conv", ("3 of 11",)),
            Press(" in", ("2 of 11",)),
            Press(ENTER, ("2 of 11", "Quit"), look=1),
        ),
    ),
    Step("A run", (Press("r", ("Completed", "Quit"), look=2),)),
    Step(
        "Its files, each with its proof",
        (
            Press(ENTER, ("1 of 1 shown", "Completed"), look=2),
            Press(ENTER, ("Files 3", "SHA-256", "Quit"), look=3),
        ),
    ),
    Step("What it did, step by step", (Press(TAB, ("What happened", "delivered before", "Quit"), look=3),)),
    Step(
        "Any command by its name: the run of a connection whose password has expired",
        (
            _BACK_TO_HISTORY,
            _BACK_TO_CONNECTIONS,
            _BACK_TO_ALL,
            Press(":", ("Search",), look=1),
            Press("run stark", ("Run: stark-modifications",)),
            Press(ENTER, ("In Progress",), look=1),
            Press("", ("Failed",), look=0),
            Press("", (_NO_NOTIFICATION,), faster=4),
        ),
    ),
    Step(
        "The failed run, and what to do about it",
        (
            Press("/status:failed" + ENTER, ("1 of 11",)),
            Press(ENTER, ("Trigger", "530"), look=2),
            Press(ENTER, ("Check the username", "Files 0", "Quit"), look=4),
        ),
    ),
    Step(
        "A line that breaks: the second attempt goes on where the first was cut",
        (
            _BACK_TO_HISTORY,
            _BACK_TO_CONNECTIONS,
            _BACK_TO_ALL,
            Press("/soyl" + ENTER, ("1 of 11",)),
            Press("r", ("Completed",), look=2),
            Press(ENTER, ("Trigger", "1 of 1 shown")),
            Press(ENTER, ("Files 1", "SHA-256"), look=2),
            Press(TAB, ("What happened", "retry 1 of 3"), look=3),
            Press(TAB, ("Attempt 2", "Quit"), look=4),
        ),
    ),
    Step(
        "A test of a connection",
        (
            _BACK_TO_HISTORY,
            _BACK_TO_CONNECTIONS,
            _BACK_TO_ALL,
            Press("gjt", ("Every step passed", "esc close"), look=5),
        ),
    ),
    Step(
        "All keys, and why some do nothing now",
        (
            Press(ESCAPE, (_ALL, "wayne-adj"), look=0.5),
            Press("?", ("Keys on this screen",), look=4),
        ),
    ),
    Step(
        "A large file, live",
        (
            Press(ESCAPE, (_ALL, "wayne-adj"), look=0.5),
            Press("/umbr" + ENTER, ("1 of 11",)),
            Press("r", ("Running", "%"), look=0),
            Press("", (r"[2-9]\d ?%",), look=0),
            Press("", ("Completed",), look=2, faster=4),
        ),
    ),
)
