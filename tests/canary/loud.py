"""The command `wharf` with all that any library can log going to its log file. Several commands, with `;` between them,
are carried out in one process."""

import logging
import sys

import asyncssh

from tui.cli import main

if __name__ == "__main__":
    logging.getLogger().setLevel(logging.DEBUG)
    for library in ("asyncio", "asyncssh", "aioftp", "aioftp.client", "aiosmtplib", "tui"):
        logging.getLogger(library).setLevel(logging.DEBUG)
    asyncssh.set_log_level(logging.DEBUG)
    asyncssh.set_debug_level(3)
    code = 0
    for command in "\0".join(sys.argv[1:]).split("\0;\0"):
        code = main(command.split("\0"))
    sys.exit(code)
