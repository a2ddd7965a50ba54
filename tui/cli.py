"""The command line: what can be asked, and which code is returned. A command's module is imported when it is used."""

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TypeAlias

from tui import __version__
from tui.commands.collecting import put_off_collecting
from tui.commands.interruption import Interrupted, interruptible
from tui.commands.leaving import Leaving
from tui.commands.output import OutputProblem, ReaderGone, narrate, report
from tui.domain.failure import WharfError
from tui.domain.problems import nearest
from tui.domain.text import printable
from tui.paths import Paths
from tui.trust.dumps import forbid_dumps

Handler: TypeAlias = Callable[[argparse.Namespace, Paths], int]
_Adding: TypeAlias = Callable[[argparse.ArgumentParser], None]

_EXIT_CODES = """\
exit codes:
  0    everything asked for was done; all runs completed
  1    a run failed, and running it again will not help
  2    the request, a connection or the configuration is wrong
  3    a run failed, and running it again may help
  130  interrupted (SIGINT); 143 and 129 for SIGTERM and SIGHUP; 141 when the reader of a pipe left
Of several runs the worst counts: 2, then 1, then 3. A caller that retries on 3 retries only what can succeed.

Data goes to stdout, everything else to stderr. WHARF_HOME=DIR keeps configuration, data and state under DIR.
"""


_WITHOUT_SETTINGS = frozenset({"locate"})
"""Commands that change nothing, and work where the settings are wrong: this one tells where those are."""


class _Parser(argparse.ArgumentParser):
    """Takes no abbreviations, so that a later option cannot change what a script means."""

    def __init__(self, **options: object) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]  # passed through as they came

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def program() -> NoReturn:
    """The command `wharf`: `main` as a process of its own, which it ends."""
    leaving = Leaving()
    put_off_collecting()
    leaving.code = main()
    sys.exit(leaving.code)


def main(argv: list[str] | None = None) -> int:
    """Carry out one command; returns the exit code. Never ends in a traceback for what Wharf raises on purpose."""
    forbid_dumps()
    _prepare_streams()
    try:
        with interruptible():
            return _obey(sys.argv[1:] if argv is None else argv)
    except OutputProblem as error:
        _forget_stdout()
        return report(error)
    except WharfError as error:
        return report(error)
    except Interrupted as interrupted:
        narrate(f"wharf: stopped by {interrupted.signal.name}.")
        return interrupted.exit_code
    except ReaderGone:
        _forget_stdout()
        return 128 + signal.SIGPIPE


def _obey(argv: list[str]) -> int:
    try:
        args = _parse(argv)
    except SystemExit as end:  # argparse has said what there is to say
        return int(end.code or 0)
    module, _, function = args.handler.partition(":")
    handler: Handler = getattr(import_module(f"tui.commands.{module}"), function)
    return handler(args, _paths(args))


def _paths(args: argparse.Namespace) -> Paths:
    """Where things are, and whether they may be changed. Raises WrongSettings: a file that is not understood may be the
    one that asks for read-only.
    """
    paths = Paths.from_environment()
    if args.command in _WITHOUT_SETTINGS:
        return paths
    from tui.settings import read_settings

    return replace(paths, read_only=args.read_only or read_settings(paths.settings).read_only)


def _prepare_streams() -> None:
    """Neither a stream that was closed before the start nor a character that a terminal cannot show is an error."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Keep the interpreter from failing when it flushes what nobody will read."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(argv: list[str]) -> argparse.Namespace:
    # Most of the time for it goes into the parsers of commands: only that of the one that is asked for is made.
    parser, commands = build_parser(argv[:1])
    if argv and argv[0] not in commands:
        parser, commands = build_parser()
    word = next((word for word in argv if not word.startswith("-")), None)
    if word is not None and word not in commands:
        parser.error(f"there is no command {word!r}{_suggestion(word, list(commands))}")
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        asked = commands.get(args.command, parser)
        known = re.findall(r"--[a-z-]+", asked.format_usage())
        asked.error(f"unknown argument {unknown[0]!r}{_suggestion(unknown[0], known)}")
    return args


def _suggestion(word: str, known: list[str]) -> str:
    meant = nearest(word, known)
    return f"; did you mean {meant}?" if meant else ""


def build_parser(
    names: Collection[str] | None = None,
) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command line, and that of each command by name; given names, only of these commands."""
    parser = _Parser(
        prog="wharf",
        description="A terminal control room for partner batch files. Without a command: the Connections screen.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"wharf {__version__}")
    parser.add_argument("--read-only", action="store_true", help="show everything, change and run nothing")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--low-bandwidth", action="store_true", help="draw once a second at most, for slow lines")
    parser.set_defaults(handler="screen:open_screen")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)

    def command(name: str, handler: str, summary: str, *, json: bool = False, add: _Adding | None = None) -> None:
        if names is not None and name not in names:
            return
        added = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        added.set_defaults(handler=handler)
        if json:
            added.add_argument("--json", action="store_true", help="print JSON")
        if add is not None:
            add(added)

    command("demo", "demo:demo", "try Wharf with servers and sample batches on this machine", add=_add_demo)
    command("list", "listing:list_connections", "list all connections", json=True, add=_add_filter)
    command("show", "listing:show_connection", "show one connection", json=True, add=_add_name)
    command("import", "exchange:import_file", "add connections from a Wharf TOML file", add=_add_import)
    command("export", "exchange:export", "print connections as a Wharf TOML file", add=_add_any_names)
    command("delete", "exchange:delete", "delete a connection; its history stays", add=_add_delete)
    command("test", "testing:test", "try a connection step by step, moving nothing", json=True, add=_add_test)
    command("run", "running:run", "run connections now and wait for them", json=True, add=_add_run)
    command("history", "history:history", "show the runs, newest first", json=True, add=_add_history)
    command("trust", "trusting:trust", "show and accept the key or certificate of a server", add=_add_trust)
    command("secret", "secrets:list_secrets", "keep secrets in the vault", add=_add_secret)
    command("keys", "keys:list_keys", "list the keys of the screens and their ids", json=True)
    command("locate", "locating:locate", "print the folders and files in use", json=True)
    return parser, dict(subparsers.choices)


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a connection")


def _add_any_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="names of connections")


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="run every demo connection without a screen and report")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="use this folder and keep it afterwards")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the file to read; - for stdin")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    parser.add_argument("--replace", action="store_true", help="replace connections of the same name")


def _add_delete(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _add_test(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument(
        "--no-write", action="store_true", help="write no test file to the other side, name no recipients to it"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="+", help="names of connections")
    parser.add_argument("--dry-run", action="store_true", help="list the files that would move, move nothing")
    parser.add_argument("--force", action="store_true", help="move what was delivered before as well")


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of a connection; all without it")
    parser.add_argument("--limit", metavar="N", type=_count, default=20, help="at most this many runs (20)")
    _add_filter(parser)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--filter",
        metavar="LINE",
        default="",
        help="only what this means, such as 'acme status:failed last:<2h' or @NAME of a saved one",
    )


def _add_trust(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument("--fingerprint", metavar="SHA256:...", help="accept exactly this one, without a question")


def _add_secret(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, handler: str, summary: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        added.set_defaults(handler=f"secrets:{handler}")
        return added

    ref = "a name, or vault:NAME as the connection has it"
    setting = action("set", "set_secret", "put a secret into the vault, read from a prompt or from stdin")
    setting.add_argument("reference", metavar="REF", help=ref)
    listing = action("list", "list_secrets", "list the names of the secrets, and which connections use them")
    listing.add_argument("--json", action="store_true", help="print JSON")
    deleting = action("delete", "delete_secret", "delete a secret from the vault")
    deleting.add_argument("reference", metavar="REF", help=ref)
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    sealing = action(
        "passphrase", "set_passphrase", "set or change the passphrase of the vault, read from a prompt or from stdin"
    )
    sealing.add_argument("--remove", action="store_true", help="let the key file alone open the vault again")


def _count(text: str) -> int:
    if re.fullmatch(r"[1-9][0-9]{0,8}", text) is None:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)
