"""`python -m tui` is the same command as `wharf`."""

import sys

from tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
