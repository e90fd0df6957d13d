"""The parts of the page, made and ended together."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from daemon.clock import Clock
from daemon.web.facts import Facts
from daemon.web.source import Source
from daemon.web.stream import Hub
from daemon.web.watcher import Watcher

STREAMS = 24
OTHER_THREADS = 8


class Site:
    """What the views work with."""

    def __init__(
        self,
        database: Path,
        recordings: Path,
        zone: ZoneInfo,
        clock: Clock,
        streams: int = STREAMS,
    ) -> None:
        """Make the parts; nothing is opened yet.

        Args:
            database: the file; it need not exist yet.
            recordings: no sound file outside this directory is ever served.
            zone: time zone of the box.
            clock: tells what "today" is.
            streams: how many pages may be open live; each holds a thread.
        """
        self.recordings = recordings
        self.clock = clock
        self.source = Source(database)
        self.facts = Facts(zone, clock)
        self.hub = Hub(streams)
        self.watcher = Watcher(self.source, self.facts, self.hub, clock)

    @property
    def threads(self) -> int:
        """How many threads the web server needs."""
        return self.hub.limit + OTHER_THREADS

    def start(self) -> None:
        """Begin to watch the database."""
        self.watcher.start()

    def stop(self) -> None:
        """End every stream, then the watcher, then close the database."""
        self.hub.close()
        self.watcher.stop()
        self.source.close()
