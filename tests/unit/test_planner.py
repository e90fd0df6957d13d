"""Who may be called when: properties of the decision, what follows from a call, recovery."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.campaign.attempts import next_lead, next_moment, record_outcome
from daemon.campaign.outcomes import settle
from daemon.campaign.planner import Allow, Defer, Deny, Rules, decide
from daemon.campaign.recovery import recover
from daemon.campaign.why import explain
from daemon.campaign.windows import format_window, next_open, parse_window
from daemon.config import CampaignConfig
from daemon.errors import LeadError
from daemon.events import Concluded, Effected
from daemon.store import CallEnd, CallStart, from_utc_ms, open_store, to_utc_ms
from daemon.store.leads import NewLead, add_campaign, add_leads, set_campaign_state, take_lead
from daemon.store.rows import DoNotCallRow, LeadRow

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI)  # a Monday
SETTINGS = CampaignConfig()
ZONES = [
    *("Asia/Shanghai", "America/New_York", "America/Los_Angeles", "Europe/Berlin"),
    *("Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"),
]
LEGAL = {"US": (time(8), time(21))}
REFUSAL = DoNotCallRow("+8610000000101", "asked", "别再打了", "c9", 1, 0)


def a_lead(**changes) -> LeadRow:
    lead = LeadRow(
        id=1,
        campaign_id=1,
        number="+8610000000101",
        region="CN",
        name="",
        lang="zh",
        fields={},
        window=None,
        timezone="Asia/Shanghai",
        warning="",
        state="waiting",
        attempts=0,
        next_attempt_utc_ms=0,
        callback_utc_ms=None,
        disposition="",
        outcome="",
        last_call_id=None,
        owner="",
        taken_utc_ms=None,
        created_utc_ms=0,
        changed_utc_ms=0,
    )
    return replace(lead, **changes)


def rules(**changes) -> Rules:
    return replace(Rules(True, 3, parse_window("09:00-20:00"), None), **changes)


minutes = st.integers(0, 24 * 60)
ranges = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])
windows = st.lists(ranges, min_size=1, max_size=3).map(lambda found: tuple(sorted(found)))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
leads = st.builds(
    a_lead,
    region=st.sampled_from(["CN", "US", "GB", ""]),
    timezone=st.sampled_from([*ZONES, ",".join(ZONES[1:3]), "Mars/Base", None]),
    window=st.none() | windows.map(format_window),
    state=st.sampled_from(["waiting"] * 5 + ["calling", "done", "blocked"]),
    attempts=st.integers(0, 4),
    next_attempt_utc_ms=moments.map(to_utc_ms),
    callback_utc_ms=st.none() | moments.map(to_utc_ms),
)
any_rules = st.builds(
    Rules,
    running=st.sampled_from([True, True, True, False]),
    max_attempts=st.integers(1, 4),
    window=windows,
    timezone=st.sampled_from([None, "Asia/Shanghai"]),
)


@given(leads, any_rules, moments, st.sampled_from([None, None, REFUSAL]), st.booleans())
def test_a_call_is_allowed_only_where_everything_allows_it(lead, own, now, refusal, elsewhere):
    decision = decide(lead, own, now=now, do_not_call=refusal, called_elsewhere=elsewhere)
    if not isinstance(decision, Allow):
        return
    assert refusal is None
    assert not elsewhere
    assert own.running
    assert lead.state == "waiting"
    assert lead.next_attempt_utc_ms <= to_utc_ms(now)
    assert lead.attempts < own.max_attempts or lead.callback_utc_ms is not None
    first, last = LEGAL.get(lead.region, (time(9), time(21)))
    zones = (lead.timezone or own.timezone or "").split(",")
    for zone in zones:
        local = now.astimezone(ZoneInfo(zone))
        assert first <= local.time() < last
        minute = local.hour * 60 + local.minute
        for window in (own.window, parse_window(lead.window) if lead.window else own.window):
            assert any(start <= minute < end for start, end in window)


@given(leads, any_rules, moments)
def test_a_deferral_ends_in_permission(lead, own, now):
    decision = decide(lead, own, now=now, do_not_call=None)
    if isinstance(decision, Defer):
        assert decision.until > now
        assert decide(lead, own, now=decision.until, do_not_call=None) == Allow()


@given(moments, windows, st.lists(st.sampled_from(ZONES), min_size=1, max_size=3))
def test_no_open_minute_is_missed(now, window, names):
    zones = [ZoneInfo(name) for name in names]
    found = next_open(now, window, zones)
    until = min(found or now + timedelta(days=2), now + timedelta(days=2))

    def is_open(moment: datetime) -> bool:
        local = [moment.astimezone(zone) for zone in zones]
        return all(any(a <= m.hour * 60 + m.minute < b for a, b in window) for m in local)

    step = timedelta(minutes=13)
    probe = now
    while probe < until:
        assert not is_open(probe)
        probe += step
    assert found is None or is_open(found)


@pytest.mark.parametrize(
    ("lead", "own", "rule"),
    [
        (a_lead(state="done", outcome="accepted"), rules(running=False), "already-done"),
        (a_lead(state="calling"), rules(), "in-call"),
        (a_lead(attempts=3), rules(), "max-attempts"),
        (a_lead(timezone=None), rules(), "unknown-time-zone"),
        (a_lead(timezone="Mars/Base"), rules(timezone="Asia/Shanghai"), "unknown-time-zone"),
        (a_lead(), rules(running=False), "campaign-stopped"),
        (a_lead(), rules(window=parse_window("21:30-23:00")), "window"),
        (a_lead(window="20:30-21:00"), rules(), "window"),
    ],
)
def test_denials_name_their_rule(lead, own, rule):
    decision = decide(lead, own, now=NOON, do_not_call=None)
    assert isinstance(decision, Deny)
    assert decision.rule == rule
    refused = decide(lead, own, now=NOON, do_not_call=REFUSAL)
    assert refused == Deny("do-not-call", "asked: 别再打了")


def test_night_and_patience_are_told_apart():
    night = NOON.replace(hour=23)
    morning = (night + timedelta(days=1)).replace(hour=9)
    decision = decide(a_lead(), rules(), now=night, do_not_call=None)
    assert decision == Defer(morning, "window", "allowed 09:00-20:00 in Asia/Shanghai")
    later = a_lead(next_attempt_utc_ms=to_utc_ms(NOON + timedelta(hours=2)))
    decision = decide(later, rules(), now=NOON, do_not_call=None)
    assert decision == Defer(NOON + timedelta(hours=2), "not-due", "next attempt")
    promised = a_lead(attempts=3, callback_utc_ms=to_utc_ms(NOON))
    assert decide(promised, rules(), now=NOON, do_not_call=None) == Allow()


@pytest.mark.parametrize("text", ["9-20", "20:00-09:00", "09:00-25:00", "09:70-10:00", "", "a"])
def test_windows_that_make_no_sense_are_refused(text):
    with pytest.raises(LeadError, match="window"):
        parse_window(text)


def after(lead: LeadRow, disposition: str, outcome: str = "", callback_at=None):
    return settle(
        lead,
        rules(),
        SETTINGS.retry_minutes,
        disposition=disposition,
        outcome=outcome,
        now=NOON,
        callback_at=callback_at,
    )


@pytest.mark.parametrize(
    ("disposition", "minutes"),
    [
        *(("busy", 15), ("no_answer", 120), ("unreachable", 60), ("announcement", 60)),
        *(("network_failure", 5), ("configuration", 5), ("voicemail", 24 * 60)),
    ],
)
def test_whoever_was_not_reached_is_tried_again(disposition, minutes):
    settlement = after(a_lead(state="calling", attempts=1), disposition)
    assert settlement.state == "waiting"
    assert from_utc_ms(settlement.next_attempt_utc_ms) == NOON + timedelta(minutes=minutes)
    assert settlement.attempts == (0 if disposition == "configuration" else 1)
    last = after(a_lead(state="calling", attempts=3), disposition)
    assert last.state == ("waiting" if disposition == "configuration" else "done")


@pytest.mark.parametrize("disposition", ["invalid", "rejected", "blocked"])
def test_numbers_that_will_never_answer_are_done(disposition):
    settlement = after(a_lead(attempts=1), disposition)
    assert (settlement.state, settlement.outcome) == ("done", disposition)


@pytest.mark.parametrize(
    "outcome", ["accepted", "refused", "wrong_person", "do_not_call", "transfer"]
)
def test_an_answer_settles_the_lead(outcome):
    settlement = after(a_lead(attempts=1), "answered", outcome)
    assert (settlement.state, settlement.outcome) == ("done", outcome)


@pytest.mark.parametrize("outcome", ["no_response", "not_understood", "hung_up", ""])
def test_an_unfinished_conversation_is_tried_once_more_after_a_day(outcome):
    first = after(a_lead(attempts=1), "answered", outcome)
    assert from_utc_ms(first.next_attempt_utc_ms) == NOON + timedelta(days=1)
    between = after(a_lead(attempts=2, outcome=first.outcome), "busy")
    assert between.state == "waiting"
    second = after(a_lead(attempts=2, outcome=between.outcome), "answered", outcome)
    assert second.state == "done"


def test_a_promised_call_back_is_kept_or_moved_into_the_window():
    afternoon = NOON + timedelta(hours=3)
    settlement = after(a_lead(attempts=1), "answered", "call_back", afternoon)
    assert from_utc_ms(settlement.callback_utc_ms or 0) == afternoon
    night = NOON.replace(hour=22)
    settlement = after(a_lead(attempts=1), "answered", "call_back", night)
    assert from_utc_ms(settlement.callback_utc_ms or 0) == NOON.replace(day=3, hour=9)
    owed = a_lead(attempts=4, callback_utc_ms=to_utc_ms(NOON))
    assert after(owed, "network_failure").callback_utc_ms == to_utc_ms(NOON)
    assert after(owed, "no_answer").state == "done"


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "branchline.db") as opened:
        yield opened


def campaign_of(store, *numbers: str, name: str = "spring", **changes):
    campaign = add_campaign(store, name=name, scenario="a/b", lang="zh", now=NOON, **changes)
    found = [NewLead(number, "CN", "zh", timezone="Asia/Shanghai") for number in numbers]
    add_leads(store, campaign.id, found, NOON)
    return set_campaign_state(store, name, "running", NOON)


ONE, TWO, THREE = "+8610000000101", "+8610000000102", "+8610000000103"


def take(store, campaign, now=NOON):
    return next_lead(store, campaign.id, SETTINGS, now)


def test_every_lead_is_taken_once_and_promises_come_first(store):
    campaign = campaign_of(store, ONE, TWO, THREE)
    lead = take(store, campaign)
    assert (lead.number, lead.state, lead.attempts) == (ONE, "calling", 1)
    record_outcome(
        store,
        SETTINGS,
        lead_id=lead.id,
        disposition="answered",
        outcome="call_back",
        now=NOON,
        callback_at=NOON + timedelta(minutes=30),
    )
    assert take(store, campaign).number == TWO
    assert take(store, campaign, NOON + timedelta(hours=1)).number == ONE
    assert take(store, campaign).number == THREE
    assert take(store, campaign) is None


def test_promises_come_first_across_groups_of_hours(store):
    campaign = campaign_of(store, ONE, TWO)
    other = NewLead("+8610000000104", "CN", "zh", timezone="Asia/Shanghai", window="09:00-19:00")
    add_leads(store, campaign.id, [other], NOON)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE leads SET callback_utc_ms = 1, next_attempt_utc_ms = 1 WHERE window IS NOT NULL"
        )
    taken = [take(store, campaign) for _ in range(3)]
    assert [lead.number for lead in taken] == [other.number, ONE, TWO]


def test_threads_and_processes_never_take_the_same_lead(store):
    campaign = campaign_of(store, *(f"+86100000002{n:02}" for n in range(40)))
    taken: list[int] = []

    def work(own) -> None:
        while (lead := take(own, campaign)) is not None:
            taken.append(lead.id)

    with open_store(store.path) as second:
        threads = [threading.Thread(target=work, args=(s,)) for s in (store, store, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(taken) == [lead.id for lead in store.leads()]
    assert {lead.attempts for lead in store.leads()} == {1}
    assert take_lead(store, taken[0], NOON) is None


def test_nobody_is_called_who_refused_in_another_campaign(store):
    first, second = campaign_of(store, ONE, name="a"), campaign_of(store, ONE, TWO, name="b")
    lead = take(store, first)
    assert take(store, second).number == TWO, "ONE is in a call"
    store.add_do_not_call(ONE, reason="asked", wording="stop", now=NOON)
    record_outcome(
        store,
        SETTINGS,
        lead_id=lead.id,
        disposition="answered",
        outcome="do_not_call",
        now=NOON,
    )
    week = [NOON + timedelta(days=day) for day in range(7)]
    assert [take(store, c, day) for c in (first, second) for day in week] == [None] * 14
    found = explain(store, SETTINGS, "100 0000 0101", NOON)
    assert found.rule == "do-not-call"
    assert [verdict.rule for verdict in found.verdicts] == ["do-not-call", "do-not-call"]


def test_nobody_is_taken_at_night_or_when_stopped_and_the_daemon_may_rest(store):
    campaign = campaign_of(store, ONE)
    night = NOON.replace(hour=22)
    assert take(store, campaign, night) is None
    morning = NOON.replace(day=3, hour=9)
    assert next_moment(store, campaign.id, SETTINGS, night) == morning
    set_campaign_state(store, "spring", "stopped", NOON)
    assert take(store, campaign) is None
    assert next_moment(store, campaign.id, SETTINGS, NOON) is None
    assert store.leads()[0].attempts == 0


def test_an_outcome_needs_a_call(store):
    campaign_of(store, ONE)
    with pytest.raises(LeadError, match="not being called"):
        record_outcome(store, SETTINGS, lead_id=1, disposition="busy", outcome="", now=NOON)


def begin(store, lead, call_id="c1"):
    store.begin_call(
        CallStart(call_id, "x", lead.number, "zh", "a/b", "main", NOON, lead.id, lead.campaign_id)
    )


def test_after_a_crash_the_attempt_counts_and_nobody_is_called_at_once(store):
    campaign = campaign_of(store, ONE, TWO)
    begin(store, take(store, campaign))
    take(store, campaign)  # this one's call had not even begun
    (closed,) = recover(store, SETTINGS, NOON)
    assert (closed.disposition, closed.outcome) == ("network_failure", "interrupted")
    for lead in store.leads():
        assert (lead.state, lead.attempts, lead.owner) == ("waiting", 1, "")
    assert take(store, campaign, NOON + timedelta(minutes=4)) is None
    assert take(store, campaign, NOON + timedelta(minutes=5)) is not None
    assert recover(store, SETTINGS, NOON + timedelta(hours=1)) == []


def test_crashing_again_and_again_does_not_call_for_ever(store):
    campaign = campaign_of(store, ONE)
    taken = 0
    for hour in range(8):
        now = NOON.replace(hour=9) + timedelta(hours=hour)
        taken += take(store, campaign, now) is not None
        recover(store, SETTINGS, now)
    assert taken == SETTINGS.max_attempts
    assert store.leads()[0].state == "done"


def test_a_crash_during_the_goodbye_keeps_what_was_said(store):
    campaign = campaign_of(store, ONE, TWO, THREE)
    accepted, promised, refused = (take(store, campaign) for _ in range(3))
    at = NOON + timedelta(hours=2)
    begin(store, accepted, "c1")
    store.append_event("c1", Concluded(5000, "accepted"))
    begin(store, promised, "c2")
    store.append_event("c2", Effected(4000, "call_back", at.isoformat()))
    store.append_event("c2", Concluded(5000, "call_back"))
    begin(store, refused, "c3")
    store.add_do_not_call(refused.number, reason="asked", call_id="c3", now=NOON)
    store.flush()
    recover(store, SETTINGS, NOON)
    states = {lead.number: lead for lead in store.leads()}
    assert (states[ONE].state, states[ONE].outcome) == ("done", "accepted")
    assert from_utc_ms(states[TWO].callback_utc_ms or 0) == at
    assert (states[THREE].state, states[THREE].outcome) == ("done", "do_not_call")


def test_a_crash_between_the_call_and_its_outcome_settles_the_lead(store):
    campaign = campaign_of(store, ONE)
    begin(store, take(store, campaign))
    store.finish_call("c1", CallEnd("busy", "", NOON))
    assert recover(store, SETTINGS, NOON) == []
    (lead,) = store.leads()
    assert (lead.state, lead.disposition) == ("waiting", "busy")
    assert from_utc_ms(lead.next_attempt_utc_ms) == NOON + timedelta(minutes=15)
