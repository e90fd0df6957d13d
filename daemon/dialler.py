"""Keeps the lines busy: asks the planner for a lead, has it called, writes what came of it.

One thread per channel. A channel that meets trouble rests before it tries again, so
that a dead trunk or a full disk does not burn through the list.
"""

from __future__ import annotations

import logging
import shutil
import threading
from dataclasses import dataclass
from datetime import datetime

from daemon import paths
from daemon.app import Box, CallOrder
from daemon.campaign.attempts import next_lead, record_outcome
from daemon.errors import BranchlineError, StoreError
from daemon.ledger import Listener
from daemon.log import bound_call
from daemon.store.rows import CampaignRow, LeadRow
from hw.base import Disposition, LineError
from models.base import ModelError

log = logging.getLogger(__name__)

IDLE_S = 1.0
TROUBLE_S = 15.0

LINE_FAULTS = (Disposition.NETWORK_FAILURE, Disposition.CONFIGURATION)


@dataclass(frozen=True)
class Settled:
    """What came of a lead's call, until it is in the database."""

    lead_id: int
    disposition: str
    outcome: str
    call_back_at: datetime | None


class Dialler:
    """Calls the leads of running campaigns until stopped."""

    def __init__(self, box: Box, listener: Listener | None = None) -> None:
        """`listener` sees every call's events."""
        self._box, self._listener = box, listener
        self._unsettled: list[Settled] = []
        self._settling = threading.Lock()
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
        self._box.settle_refusals()
        self._settle_leads()
        require_space(self._box.config.storage.min_free_mb)
        if self._box.lines[line_name].status().get("registered") is False:
            return False
        taken = self._take()
        if taken is None:
            return False
        lead, campaign = taken
        self._idle.discard(threading.current_thread().name)
        try:
            result = self._box.place(order_for(lead, campaign), line_name, self._listener)
        except Exception:
            self._record(lead, Disposition.CONFIGURATION, "", None)
            raise
        with bound_call(result.call_id):
            log.info("ended: %s, outcome %s", result.disposition, result.outcome)
        self._record(lead, result.disposition, result.outcome, result.call_back_at)
        if result.disposition in LINE_FAULTS:
            raise LineError(f"{result.disposition} ({result.raw.reason or result.raw.status})")
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
        """Write what came of the call, or keep it until it can be written."""
        self._unsettled.append(Settled(lead.id, str(disposition), outcome, at))
        try:
            self._settle_leads()
        except StoreError as error:
            log.error("lead %d waits for its result to be written: %s", lead.id, error)

    def _settle_leads(self) -> None:
        with self._settling:
            while self._unsettled:
                done = self._unsettled[0]
                record_outcome(
                    self._box.store,
                    self._box.config.campaign,
                    lead_id=done.lead_id,
                    disposition=done.disposition,
                    outcome=done.outcome,
                    now=self._box.clock.now(),
                    callback_at=done.call_back_at,
                )
                self._unsettled.pop(0)


def order_for(lead: LeadRow, campaign: CampaignRow) -> CallOrder:
    """The call that a lead of a campaign asks for."""
    return CallOrder(
        number=lead.number,
        scenario=campaign.scenario,
        lang=lead.lang or campaign.lang,
        lead={**lead.fields, "name": lead.name},
        lead_id=lead.id,
        campaign_id=campaign.id,
        timezone=(lead.timezone or campaign.timezone or "").partition(",")[0].strip(),
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
