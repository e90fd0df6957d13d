"""The daemon's life: start, watch over, reload, stop."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from types import FrameType

from daemon import service
from daemon.app import Box
from daemon.campaign.recovery import recover
from daemon.clock import Clock, SystemClock
from daemon.config import Config, load_config
from daemon.dialler import Dialler
from daemon.errors import BranchlineError, StoreError
from daemon.paths import config_file
from daemon.store.leads import set_campaign_state
from daemon.store.rows import RequestRow
from hw.base import LineError
from models.base import ModelError

log = logging.getLogger(__name__)

LOOK_S = 1.0
GOODBYE_S = 25.0
HANG_UP_S = 10.0


class Supervisor:
    """Runs a Box and its Dialler between systemd's signals."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        """Nothing is opened before `run`."""
        self._config = config
        self._clock = clock or SystemClock()
        self._wake = threading.Event()
        self._stopping = False
        self._reload = False
        self._status: dict[str, object] = {}
        self._dialler: Dialler | None = None
        self._before: Config | None = None

    def run(self) -> None:
        """Until SIGTERM or SIGINT.

        Raises:
            BranchlineError, LineError, ModelError: the box cannot start.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signal)
        watchdog = service.Watchdog(self._healthy)
        watchdog.start()
        try:
            while not self._stopping:
                self._live()
        finally:
            watchdog.stop()
        log.info("stopped")

    def _live(self) -> None:
        """One life; a new configuration that cannot even start gives way to the one before."""
        try:
            self._one_life()
        except (BranchlineError, LineError, ModelError) as error:
            if self._before is None:
                raise
            log.error("the new configuration cannot be used, the one before stays: %s", error)
            self._config, self._before = self._before, None

    def _healthy(self) -> bool:
        return self._dialler is None or self._dialler.alive

    def _signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        else:
            self._stopping = True
        self._wake.set()

    def _one_life(self) -> None:
        """From one configuration to the next."""
        box = Box(self._config, self._clock)
        try:
            box.start()
            lost = recover(box.store, self._config.campaign, self._clock.now())
            if lost:
                log.warning("%d call(s) were cut off by the last stop and are settled", len(lost))
            warm(box)
            if self._stopping:
                return
            self._dialler = dialler = Dialler(box)
            dialler.start()
            self._before = None
            service.notify_ready(f"{len(box.lines)} line(s)")
            log.info("ready: %d line(s)", len(box.lines))
            if not box.lines:
                log.warning(
                    "no call can be placed: name a line, [lines.NAME], in %s", config_file()
                )
            self._watch(box)
            self._wind_down(box, dialler)
        finally:
            self._dialler = None
            box.stop()

    def _watch(self, box: Box) -> None:
        """Look after lines and requests until a signal says otherwise."""
        while not self._stopping:
            if self._reload and self._accept_configuration():
                return
            self._write_lines(box)
            try:
                requests = box.store.take_requests(self._clock.now())
            except BranchlineError as error:
                log.error("%s", error)
                requests = []
            for request in requests:
                answer(box, request)
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _accept_configuration(self) -> bool:
        """Read the file again; True if it is good and different from what is in force."""
        self._reload = False
        try:
            config = load_config()
        except BranchlineError as error:
            log.error("the configuration in force stays: %s", error)
            return False
        if config == self._config:
            log.info("the configuration is unchanged")
            return False
        self._before, self._config = self._config, config
        service.notify_reloading()
        log.info("the configuration has changed; running calls are finished first")
        return True

    def _wind_down(self, box: Box, dialler: Dialler) -> None:
        """No new calls; running ones end by themselves (reload) or with a goodbye (stop)."""
        dialler.stop()
        if self._stopping:
            service.notify_stopping(f"{box.calls_running} call(s) say goodbye")
            box.wind_up()
            if not dialler.join(GOODBYE_S):
                log.warning("calls still running after %d s are cut off", GOODBYE_S)
                box.hang_up()
                dialler.join(HANG_UP_S)
            return
        while not dialler.join(LOOK_S) and not self._stopping:
            self._write_lines(box)
        if self._stopping:
            self._wind_down(box, dialler)

    def _write_lines(self, box: Box) -> None:
        """Show the lines' state on the page, where it has changed."""
        try:
            if set(self._status) != set(box.lines):
                self._status.clear()
                box.store.keep_lines(set(box.lines))
            for name, line in box.lines.items():
                status = line.status()
                if status != self._status.get(name):
                    box.store.set_line(name, status, self._clock.now())
                    self._status[name] = status
        except BranchlineError as error:
            log.error("the lines' state is not on the page: %s", error)


def warm(box: Box) -> None:
    """Load models and render prompts of running campaigns before the first call."""
    wanted = {(c.scenario, c.lang) for c in box.store.campaigns() if c.state == "running"}
    try:
        box.prepare(sorted(wanted))
    except (BranchlineError, LineError, ModelError) as error:
        log.error("calls will fail until this is mended: %s", error)


def answer(box: Box, request: RequestRow) -> None:
    """Carry out one request of the page or of the command line."""
    kind, payload = request.kind, request.payload
    log.info("request %s", kind)
    result: dict[str, str] = {"error": f"unknown request {kind!r}"}
    try:
        if kind in ("start_campaign", "stop_campaign"):
            state = "running" if kind == "start_campaign" else "stopped"
            set_campaign_state(box.store, str(payload.get("campaign", "")), state, box.clock.now())
            result = {"state": state}
    except BranchlineError as error:
        log.error("request %s: %s", kind, error)
        result = {"error": str(error)}
    with contextlib.suppress(StoreError):
        box.store.answer_request(request.id, result)
