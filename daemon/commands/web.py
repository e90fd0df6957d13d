"""`branchline web`: the status page."""

from __future__ import annotations

import logging
from pathlib import Path

import click

EPILOG = """
\b
Examples:
  branchline web                 as configured, http://127.0.0.1:8080/ by default
  branchline web --port 0        on any free port; the first line printed says which
  branchline web --state /tmp/demo   the page of another state directory

The page has no login and listens on this machine only. From your own computer:
ssh -L 8080:127.0.0.1:8080 BOX, then open http://127.0.0.1:8080/.
"""


@click.command(epilog=EPILOG)
@click.option("--host", help="Loopback address to listen on; default: [web] host.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0: any free one; default: [web] port."
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="State directory to show; default: this box's.",
)
def command(host: str | None, port: int | None, state: Path | None) -> None:
    """Run the status page: lines, running calls with their words, outcomes, recordings.

    It is a process of its own and may be restarted at any time; open pages reconnect.
    """
    from zoneinfo import ZoneInfo

    from daemon.clock import SystemClock
    from daemon.config import load_config
    from daemon.log import configure_logging
    from daemon.paths import database_file, recordings_dir
    from daemon.service import notify_ready, notify_stopping
    from daemon.web.serve import listen, serve, url_of
    from daemon.web.site import Site

    configure_logging()
    logging.getLogger("waitress").setLevel(logging.WARNING)  # else a line per page closed
    config = load_config()
    opened = listen(host or config.web.host, config.web.port if port is None else port)
    site = Site(
        database=state / database_file().name if state else database_file(),
        recordings=state / recordings_dir().name if state else recordings_dir(),
        zone=ZoneInfo(config.box.timezone),
        clock=SystemClock(),
    )

    def ready() -> None:
        click.echo(url_of(opened))
        notify_ready(f"Status page on {url_of(opened)}")

    serve(site, opened, ready)
    notify_stopping()
