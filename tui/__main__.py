"""`python -m tui` is the same command as `wharf`."""

from tui.cli import program

if __name__ == "__main__":
    program()
