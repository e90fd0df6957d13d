"""The configuration: defaults, errors that help, secrets, and no undocumented setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import Config, effective, load_config
from daemon.config_table import markdown, settings
from daemon.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def write(tmp_path):
    file = tmp_path / "branchline.toml"

    def writing(text: str) -> Path:
        file.write_text(text, encoding="utf-8")
        return file

    return writing


def test_without_a_file_all_defaults_apply(tmp_path):
    config = load_config(tmp_path / "none.toml")
    assert config == Config()
    assert config.turns.endpoint_yes_no_ms == 320
    assert config.campaign.retry_minutes.voicemail == 1440


def test_a_file_changes_what_it_names_and_nothing_else(write):
    config = load_config(
        write('[lines.main]\nproxy = "192.0.2.1:5060"\nregister = true\ncodecs = ["PCMU"]\n')
    )
    line = config.lines["main"]
    assert (line.proxy, line.register_, line.codecs) == ("192.0.2.1:5060", True, ("PCMU",))
    assert line.ring_timeout_s == 45
    assert config.web == Config().web


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[turn]\nmax_call_s = 1", "unknown key turn: did you mean turns?"),
        ("[lines.main]\nproxi = ''", "unknown key lines.main.proxi: did you mean proxy?"),
        ("[campaign.retry_minutes]\nbussy = 1", "retry_minutes.bussy: did you mean busy?"),
        ("[web]\nzzzzz = 1", "unknown key web.zzzzz: known names are host, port"),
        ("[speech]\nthreads = 99", "speech.threads = 99: allowed is a whole number from 1 to 64"),
        ("[web]\nport = '80'", "web.port = '80': allowed is a whole number from 1 to 65535"),
        ("[lines.a]\ncodecs = ['G729']", "lines.a.codecs.0 = 'G729': allowed is a list of PCMA"),
        ("[lines.a]\nproxy = 'u:secret@h'", "lines.a.proxy"),
        ("[lines.'a b']\n", "line name 'lines.a b'"),
        ("[box]\ntimezone = 'Mars/Base'", "box.timezone = 'Mars/Base': allowed is an IANA"),
        ("[campaign]\nwindow_start = '9:00'", "campaign.window_start = '9:00': allowed is a time"),
        ("[campaign]\nwindow_start = '21:00'", "21:00 must be before window_end 20:00"),
        ("lines = 3", "lines = 3: must be a section, [lines]"),
        ("x = [", "is not valid TOML"),
    ],
)
def test_errors_name_the_file_the_key_and_what_is_right(write, text, expected):
    file = write(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


def test_every_problem_of_a_file_is_reported_at_once(write):
    with pytest.raises(ConfigError) as caught:
        load_config(write("[web]\nport = 0\n[speech]\nthreads = 0\n"))
    assert "web.port" in str(caught.value)
    assert "speech.threads" in str(caught.value)


def test_a_directory_in_place_of_the_file_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_password_comes_from_a_credential_and_never_shows(write, tmp_path, monkeypatch):
    (tmp_path / "sip-main").write_text("hush hush\n", encoding="utf-8")
    config = load_config(write('[lines.main]\npassword_file = "sip-main"\n'))
    line = config.lines["main"]
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="LoadCredential=sip-main"):
        line.password()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert line.password() == "hush hush"
    shown = repr(effective(config)) + repr(config)
    assert "hush" not in shown
    assert effective(config)["lines"]["main"]["register"] is False


def test_every_setting_is_documented():
    documented = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert len(settings()) > 30
    for setting in settings():
        assert setting.meaning, f"{setting.section}.{setting.name} has no description"
        assert setting.allowed, f"{setting.section}.{setting.name} has no range"
    assert documented == markdown(), (
        "write it anew: python -m daemon.config_table > docs/configuration.md"
    )
