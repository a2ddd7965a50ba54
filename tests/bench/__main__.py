"""`python -m tests.bench NAME` runs one benchmark; its module of this package has a `main`."""

import os
import sys
from importlib import import_module

_BENCHMARKS = {
    "transfers": "Wharf against sftp, lftp, rclone and curl; and what is measured beside that, mail included",
    "memory": "resident memory over idle: a large file each way, and many small ones",
    "mail": "outbound mail: memory against its size, and time beside swaks and msmtp",
    "console": "what the screen costs and how fast it is, beside a bare application of Textual",
    "loop": "gaps of the event loop while 8 transfers run at full speed",
}


def main() -> int:
    """See the module's text."""
    name, *rest = sys.argv[1:] or [""]
    if name not in _BENCHMARKS:
        for known, what in _BENCHMARKS.items():
            print(f"python -m tests.bench {known:<10} {what}")
        return 2
    # What is installed has its bytecode. Where it must not be written, a checkout is compiled anew by every start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    import_module(f"tests.bench.{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
