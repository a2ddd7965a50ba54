"""Gives several files other names, over one control connection (RNFR and RNTO; RFC 959, section 4.1.3).

Where the server takes commands that are sent ahead, the second one for a file and the first one for the next go
together: one round trip for each file instead of two. RNTO never goes ahead of the answer to its own RNFR: after a no
to that, a server could still have an older file in mind and rename that one.
"""

from collections.abc import Sequence

from tui.methods.ftp_control import ControlConnection, LostAhead, NotFtp, Refused, Reply, Unsendable


def rename_each(
    control: ControlConnection, names: Sequence[tuple[str, str]], ahead: float | None
) -> list[Exception | None]:
    """Rename the first of each two to the second; what has become of each: None, a refusal, or the error that was the
    end for all that come after it. `ahead`: how many seconds to wait for the answer to a command that was sent ahead,
    after which the end is LostAhead; None to send none ahead. For use in the thread of the control connection."""
    outcomes: list[Exception | None] = []
    begun = False
    for place, (old, new) in enumerate(names):
        try:
            answer = control.exchange(f"RNFR {old}") if not begun else _answer_ahead(control, ahead)
            begun = False
            _check(answer, "3")
            further = [f"RNFR {name}" for name, _ in names[place + 1 : place + 2] if ahead and control.can_send(name)]
            control.send(f"RNTO {new}", *further)
            begun = bool(further)
            _check(control.final(), "2")
        except (Refused, Unsendable) as error:
            outcomes.append(error)
        except (OSError, NotFtp) as error:
            return outcomes + [error] * (len(names) - place)
        else:
            outcomes.append(None)
    return outcomes


def _answer_ahead(control: ControlConnection, patience: float | None) -> Reply:
    try:
        return control.final(patience)
    except TimeoutError as error:
        raise LostAhead("did not answer a command that was sent ahead") from error


def _check(answer: Reply, code: str) -> None:
    if answer.code[0] in "45":
        raise Refused(answer)
    if answer.code[0] != code:
        raise NotFtp(f"answered {answer.code} {answer.text} where a file was to be renamed")
