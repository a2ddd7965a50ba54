"""`wharf demo`."""

import argparse

from tui.demo.main import run_demo
from tui.paths import Paths


def demo(args: argparse.Namespace, _paths: Paths) -> int:
    """Run the demo in folders of its own."""
    return run_demo(args.check, args.keep)
