"""`branchline run`: the daemon."""

from __future__ import annotations

import click

EPILOG = """
\b
Examples:
  branchline run                  in the foreground, logging to the terminal
  systemctl start branchline      the same, as a service
  systemctl reload branchline     re-read the configuration (SIGHUP)
"""


@click.command(name="run", epilog=EPILOG)
@click.option("--log-level", default="INFO", show_default=True, help="DEBUG, INFO, WARNING, ...")
def command(log_level: str) -> None:
    """Call the leads of all running campaigns until stopped.

    SIGTERM ends it politely: no new calls, running calls say goodbye. SIGHUP reads the
    configuration again once the running calls are over; a wrong file changes nothing.
    """
    from daemon.config import load_config
    from daemon.log import configure_logging
    from daemon.supervise import Supervisor

    configure_logging(log_level.upper())
    Supervisor(load_config()).run()
