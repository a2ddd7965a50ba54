"""`wharf keys`: every key of the screens, with the id by which the settings give it another one."""

import argparse

from tui.commands.output import COMPLETED, narrate, say, say_json, table
from tui.console.keys import key_problems, known_bindings
from tui.paths import Paths
from tui.settings import WrongSettings, read_settings


def list_keys(args: argparse.Namespace, paths: Paths) -> int:
    """Print all bindings as the settings have them. Raises WrongSettings."""
    changes = read_settings(paths.settings).keys
    if problems := key_problems(changes):
        raise WrongSettings(paths.settings, problems)
    bindings = known_bindings(changes)
    if args.json:
        say_json([{"id": one.id, "keys": one.keys, "where": one.where, "does": one.does} for one in bindings])
        return COMPLETED
    rows = [(one.where, " ".join(one.keys), one.does, one.id) for one in bindings]
    say(table(("Where", "Keys", "What", "Id"), rows))
    narrate(f'Other keys: in {paths.settings}, under [keys], a line such as "connections.run" = "R,f6".')
    return COMPLETED
