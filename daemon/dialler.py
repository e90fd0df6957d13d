"""Keeps the lines busy: asks the planner for a lead, has it called, writes what came of it.

One thread per channel. A channel that meets trouble rests before it tries again, so
that a dead trunk or a full disk does not burn through the list.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from datetime import datetime

from daemon import paths
from daemon.app import Box, CallOrder
from daemon.call.result import CallResult
from daemon.campaign.attempts import next_lead, record_outcome
from daemon.errors import BranchlineError
from daemon.ledger import Listener
from daemon.log import bound_call
from daemon.store.rows import CampaignRow, LeadRow
from hw.base import Disposition, LineError
from models.base import ModelError

log = logging.getLogger(__name__)

IDLE_S = 1.0
TROUBLE_S = 15.0

OnResult = Callable[[LeadRow, CallResult], None]


class Dialler:
    """Calls the leads of running campaigns until stopped."""

    def __init__(
        self, box: Box, listener: Listener | None = None, on_result: OnResult | None = None
    ) -> None:
        """`listener` sees every call's events, `on_result` every finished call."""
        self._box, self._listener, self._on_result = box, listener, on_result
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._idle: set[str] = set()

    def start(self) -> None:
        """Start one thread per channel of every line."""
        for name, line in self._box.lines.items():
            for channel in range(line.channels):
                thread = threading.Thread(
                    target=self._run, args=(name,), name=f"{name}.{channel}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """Take no more leads; running calls go on."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the running calls; True if all channels are done in time."""
        deadline_s = self._box.clock.monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - self._box.clock.monotonic_s()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def alive(self) -> bool:
        """True while every channel's thread runs (or all were told to stop)."""
        return self._stop.is_set() or all(thread.is_alive() for thread in self._threads)

    @property
    def idle(self) -> bool:
        """True when no channel found anybody to call at its last look."""
        return len(self._idle) == len(self._threads)

    def _run(self, line_name: str) -> None:
        me = threading.current_thread().name
        while not self._stop.is_set():
            rest_s = 0.0
            try:
                called = self._one(line_name)
                (self._idle.discard if called else self._idle.add)(me)
                rest_s = 0.0 if called else IDLE_S
            except (BranchlineError, LineError, ModelError) as error:
                log.error("line %s rests %d s: %s", line_name, TROUBLE_S, error)
                self._idle.add(me)
                rest_s = TROUBLE_S
            except Exception:
                log.exception("line %s rests %d s after an unexpected error", line_name, TROUBLE_S)
                rest_s = TROUBLE_S
            self._stop.wait(rest_s)

    def _one(self, line_name: str) -> bool:
        """Call one person, if somebody is due; False if nobody is."""
        require_space(self._box.config.storage.min_free_mb)
        taken = self._take()
        if taken is None:
            return False
        lead, campaign = taken
        self._idle.discard(threading.current_thread().name)
        try:
            result = self._box.place(order_for(lead, campaign), line_name, self._listener)
        except Exception:
            self._record(lead, Disposition.CONFIGURATION, "not_dialled", None)
            raise
        with bound_call(result.call_id):
            log.info("ended: %s, outcome %s", result.disposition, result.outcome)
        self._record(lead, result.disposition, result.outcome, result.call_back_at)
        if self._on_result is not None:
            self._on_result(lead, result)
        return True

    def _take(self) -> tuple[LeadRow, CampaignRow] | None:
        """The next person to call in any running campaign."""
        store, settings = self._box.store, self._box.config.campaign
        for campaign in store.campaigns():
            lead = next_lead(store, campaign.id, settings, self._box.clock.now())
            if lead is not None:
                return lead, campaign
        return None

    def _record(
        self, lead: LeadRow, disposition: Disposition, outcome: str, at: datetime | None
    ) -> None:
        record_outcome(
            self._box.store,
            self._box.config.campaign,
            lead_id=lead.id,
            disposition=str(disposition),
            outcome=outcome,
            now=self._box.clock.now(),
            callback_at=at,
        )


def order_for(lead: LeadRow, campaign: CampaignRow) -> CallOrder:
    """The call that a lead of a campaign asks for."""
    return CallOrder(
        number=lead.number,
        scenario=campaign.scenario,
        lang=lead.lang or campaign.lang,
        lead={**lead.fields, "name": lead.name},
        lead_id=lead.id,
        campaign_id=campaign.id,
    )


def require_space(min_free_mb: int) -> None:
    """Dialling stops before recordings could be lost.

    Raises:
        BranchlineError: the disk has less free space than configured.
    """
    directory = paths.state_dir()
    free_mb = shutil.disk_usage(directory).free // 1_000_000
    if free_mb < min_free_mb:
        raise BranchlineError(
            f"{directory} has {free_mb} MB free and [storage] min_free_mb is {min_free_mb}: "
            "no call is placed until there is space; remove or move old recordings"
        )
