"""The end of a process, in good order but without delay.

Before a process ends, Python frees each of its objects, one by one: a fifth of the processor that a short `wharf run`
takes. Here it ends when all threads have ended and all that wanted to be called at the end was (`atexit`); the memory
goes back as a whole.
"""

import atexit
import os
import sys


class Leaving:
    """Made before anything else has asked to be called at the end: it is called last then."""

    def __init__(self) -> None:
        self.code: int | None = None
        """The exit code, once it is known. Without it the process ends as ever."""
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self.code is None:
            return
        # What cannot be written is raised here, and the interpreter ends the process as ever, with an exit code for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)
