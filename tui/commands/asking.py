"""Questions on the terminal."""

import sys

from tui.domain.failure import UsageProblem


def confirmed(question: str, *, otherwise: str) -> bool:
    """Ask a question that only the whole word `yes` affirms. `otherwise` says what to do where nobody can be asked.
    Raises UsageProblem there.
    """
    if not sys.stdin.isatty():
        raise UsageProblem(f"There is no terminal to ask on; {otherwise}.")
    sys.stderr.write(f"{question} Type yes to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
