"""`wharf locate`: where things are."""

import argparse

from tui.commands.output import COMPLETED, say, say_json, table
from tui.paths import Paths


def locate(args: argparse.Namespace, paths: Paths) -> int:
    """Print the folders and files in use. Creates nothing."""
    places = {
        "config": paths.config,
        "data": paths.data,
        "state": paths.state,
        "settings": paths.settings,
        "database": paths.database,
        "filters": paths.filters,
        "known_hosts": paths.known_hosts,
        "vault": paths.vault,
        "vault_key": paths.vault_key,
        "view": paths.view,
        "log": paths.log,
    }
    if args.json:
        say_json({name: str(path) for name, path in places.items()})
        return COMPLETED
    rows = [(name, str(path), "" if path.exists() else "not there yet") for name, path in places.items()]
    say(table(("What", "Where", ""), rows))
    return COMPLETED
