"""Lists of people: encodings, numbers in every spelling, broken lines, the commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from daemon.campaign.csvfile import read_table
from daemon.campaign.importing import import_file, parse_leads
from daemon.campaign.numbers import canonical, masked, parse_number
from daemon.commands.campaign import command as campaign_command
from daemon.commands.leads import command as leads_command
from daemon.errors import LeadError
from daemon.paths import database_file
from daemon.store import CallEnd, CallStart, open_store
from daemon.store.leads import add_campaign

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)

LIST = """手机号,姓名,语言,额度
+86 100 0000 0101,王一,中文,50000
100-0000-0102,李二,,
12,坏,zh,1
１０００００００１０１,重复,zh,1
+1 202 555 0103,Ann,en,5,6
+1 202 555 0104,"Bob,en,5
(202) 555-0105,Eve,en,"five, or
six"
+1 202 555 0106,Tom,klingon,5

+1 202 555 0107,Max,EN,7
"""


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("+86 100 0000 0101", "en", "+8610000000101"),
        ("0086-100-0000-0101", "en", "+8610000000101"),
        ("100 0000 0101", "zh", "+8610000000101"),
        ("１００－００００－０１０１", "zh", "+8610000000101"),
        ("\u200e+86\u00a0100\u00a00000\u00a00101", "zh", "+8610000000101"),
        ("10000000101.0", "zh", "+8610000000101"),
        ("(202) 555-0123", "en", "+12025550123"),
        ("(+1) 202.555.0123", "zh", "+12025550123"),
        ("tel:+12025550123", "zh", "+12025550123"),
        ("sip:+12025550123@127.0.0.1:5062;transport=udp", "zh", "+12025550123"),
        ("sip:anna@Host.example", "zh", "sip:anna@host.example"),
    ],
)
def test_one_person_has_one_number(text, lang, expected):
    assert canonical(text, lang) == expected


@pytest.mark.parametrize(
    ("text", "lang", "reason"),
    [
        ("", "zh", "empty"),
        ("110", "zh", "3 digits"),
        ("911", "en", "3 digits"),
        ("1.38E+10", "zh", "rounded by a spreadsheet"),
        ("1-800-FLOWERS", "en", "not a telephone number"),
        ("+1 202 555 0199 ext 3", "en", "not a telephone number"),
        ("555 0123", "en", "wrong length"),
        ("+999 1234567", "en", "no known country code"),
        ("1" * 16, "zh", "16 digits"),
    ],
)
def test_what_cannot_be_dialled_is_refused(text, lang, reason):
    with pytest.raises(LeadError, match=reason):
        parse_number(text, lang)


def test_numbers_outside_the_plan_are_kept_with_a_warning():
    invented, real = parse_number("+8610000000101"), parse_number("+12025550123")
    assert "numbering plan" in invented.warning
    assert (invented.region, invented.timezones) == ("CN", ("Asia/Shanghai",))
    assert (real.warning, real.timezones) == ("", ("America/New_York",))
    assert masked(invented.canonical) == "…0101"


@given(st.text(max_size=30), st.sampled_from(["zh", "en"]))
def test_any_text_is_a_number_or_a_lead_error(text, lang):
    try:
        number = canonical(text, lang)
    except LeadError:
        return
    assert canonical(number, lang) == number, "canonical numbers stay as they are"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_good_lines_are_read_and_bad_ones_named(encoding, newline, separator):
    text = LIST
    if separator != ",":
        text = text.replace("five, or", "five or").replace(",", separator)
    table = read_table(text.replace("\n", newline).encode(encoding))
    parsed = parse_leads(table, lang="zh")
    assert table.encoding == encoding.removesuffix("-sig")
    assert {line: lead.number for line, lead in parsed.leads.items() if lead.lang == "zh"} == {
        2: "+8610000000101",
        3: "+8610000000102",
    }
    assert parsed.leads[2].name == "王一"
    assert parsed.leads[2].fields == {"额度": "50000"}
    assert parsed.leads[12].number == "+12025550107"
    reasons = {line.line: line.reason for line in parsed.rejected}
    assert "2 digits" in reasons[4]
    assert "5 cells where the header names 4" in reasons[6]
    assert reasons[7] == "a quotation mark is not closed"
    assert "klingon" in reasons[10]


def test_quoted_cells_may_hold_line_breaks_and_separators():
    data = b'number,name,lang,note\n(202) 555-0105,Eve,en,"five, or\nsix"\n'
    (lead,) = parse_leads(read_table(data), lang="zh").leads.values()
    assert lead.fields == {"note": "five, or\nsix"}
    assert lead.timezone == "America/New_York"


def test_the_same_number_twice_is_said_once():
    data = b"phone\n+12025550101\n001 (202) 555-0101\n"
    parsed = parse_leads(read_table(data), lang="en")
    assert list(parsed.leads) == [2]
    assert [(r.line, r.reason) for r in parsed.rejected] == [(3, "same number as line 2")]


def test_a_wrong_byte_costs_its_line_only():
    lines = [f"+1202555010{n},王{n}".encode() for n in range(5)]
    lines[2] = b"+12025550102,\xe7\x8e"
    parsed = parse_leads(read_table(b"number,name\n" + b"\n".join(lines)), lang="en")
    assert [lead.name for lead in parsed.leads.values()] == ["王0", "王1", "王3", "王4"]
    (rejected,) = parsed.rejected
    assert rejected.line == 4
    assert "not UTF-8" in rejected.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"name,city\nA,B\n", "no column for the number .*'name', 'city'"),
        (b"PK\x03\x04rest", "spreadsheet file"),
        (b"number\n\x00\x01\x02", "not a text file"),
    ],
)
def test_files_that_are_no_lists(tmp_path, data, reason):
    file = tmp_path / "list.csv"
    file.write_bytes(data)
    with open_store(tmp_path / "b.db") as store:
        add_campaign(store, name="spring", scenario="a/b", lang="zh", now=NOW)
        with pytest.raises(LeadError, match=reason) as caught:
            import_file(store, file, campaign="spring", now=NOW)
        assert str(file) in str(caught.value)
        assert store.leads() == []


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_a_lead_error(data):
    try:
        table = read_table(b"number,name\n" + data)
    except LeadError:
        return
    parsed = parse_leads(table, lang="en")
    kept = set(parsed.leads) | {line.line for line in parsed.rejected}
    assert len(kept) == len(parsed.leads) + len(parsed.rejected)
    assert len(table.records) == len(kept)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("BRANCHLINE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BRANCHLINE_CONFIG", str(tmp_path / "none.toml"))

    def running(group, *arguments: str):
        return CliRunner().invoke(group, arguments)

    return running


@pytest.fixture
def spring(run):
    result = run(
        campaign_command,
        *("create", "spring", "--lang", "zh", "--window", "10:00-12:00,14:00-18:00"),
        *("--scenario", "finance/credit_card_installment"),
    )
    assert result.exit_code == 0, result.output
    return "spring"


def test_import_again_changes_nothing_but_details(run, spring, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(LIST, encoding="gb18030")
    first = run(leads_command, "import", str(file), "--campaign", spring, "--json")
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert (found["added"], found["known"], found["encoding"]) == (4, 0, "gb18030")
    aside = (tmp_path / "state" / "rejected" / "people.rejected.csv").read_text("utf-8-sig")
    assert len(aside.splitlines()) == 1 + len(found["rejected"]) == 6
    with open_store(database_file()) as store:
        (import_id,) = [row[0] for row in store.query("SELECT id FROM imports")]
        assert [r.line for r in store.rejected_lines(import_id)] == [4, 5, 6, 7, 10]
        with store.transaction() as connection:
            connection.execute("UPDATE leads SET state = 'done', attempts = 2 WHERE id = 1")
    file.write_text(LIST.replace("王一", "王壹"), encoding="utf-8")
    again = json.loads(
        run(leads_command, "import", str(file), "--campaign", spring, "--json").stdout
    )
    assert (again["added"], again["known"]) == (0, 4)
    listed = run(leads_command, "list", "--campaign", spring, "--json").stdout.splitlines()
    lead = json.loads(listed[0])
    assert (lead["name"], lead["state"], lead["attempts"]) == ("王壹", "done", 2)
    assert len(listed) == 4


def test_a_list_without_a_campaign_gets_one_of_its_own(run, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("phone\n+12025550140\n")
    for new in (1, 0):
        result = run(leads_command, "import", str(file), "--lang", "en", "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["added"] == new
    with open_store(database_file()) as store:
        campaign = store.campaign("people")
        assert campaign is not None
        assert (campaign.lang, campaign.state) == ("en", "stopped")


def test_import_without_a_usable_line_fails_and_shows_why(run, spring, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("电话\n110\nabc\n", encoding="utf-8")
    result = run(leads_command, "import", str(file), "--campaign", spring)
    assert result.exit_code == 1
    assert "2 kept aside" in result.output
    assert "3 digits" in result.output


def test_why_names_the_rule_the_call_and_the_words(run, spring, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(LIST, encoding="utf-8")
    run(leads_command, "import", str(file), "--campaign", spring)
    before = json.loads(run(leads_command, "why", "100 0000 0101", "--json").stdout)
    assert before["rule"] == "campaign-stopped"
    with open_store(database_file()) as store:
        number = "+8610000000101"
        store.begin_call(CallStart("c7", "x", number, "zh", "a/b", "main", NOW, 1, 1))
        store.add_do_not_call(
            number, reason="asked", wording="别再打了", call_id="c7", at_ms=8200, now=NOW
        )
        store.finish_call("c7", CallEnd("answered", "do_not_call", NOW, 900, 9000))
    result = run(leads_command, "why", "0086 100 0000 0101", "--json")
    found = json.loads(result.stdout)
    assert found["rule"] == "do-not-call"
    assert found["do_not_call"]["call_id"] == "c7"
    assert found["do_not_call"]["wording"] == "别再打了"
    assert found["do_not_call"]["created"] == NOW.isoformat()
    assert [call["outcome"] for call in found["calls"]] == ["do_not_call"]
    told = run(leads_command, "why", "+8610000000101").output
    for part in ("do-not-call", "别再打了", "c7", "2026-03-02 12:00", "8.2 s after"):
        assert part in told
    with pytest.raises(LeadError, match="is not a lead"):
        CliRunner().invoke(leads_command, ["why", "+12025550199"], catch_exceptions=False)


def test_campaigns_start_and_stop_without_the_daemon(run, spring):
    started = json.loads(run(campaign_command, "start", spring, "--json").stdout)
    assert (started["state"], started["window"]) == ("running", "10:00-12:00,14:00-18:00")
    stopped = json.loads(run(campaign_command, "stop", spring, "--json").stdout)
    assert stopped["state"] == "stopped"
    assert "spring" in run(campaign_command, "list").output
    for arguments in (
        ("start", "autumn"),
        ("create", "spring", "--lang", "zh", "--scenario", "finance/credit_card_installment"),
        ("create", "x", "--lang", "zh", "--scenario", "finance/credit_card_instalment"),
    ):
        assert run(campaign_command, *arguments).exit_code == 1
