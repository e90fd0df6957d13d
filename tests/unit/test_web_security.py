"""Other sites and other names are kept out."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from daemon.store.write import open_store
from tests.unit.web_samples import add_campaign, make_app, make_site


@pytest.fixture
def page(tmp_path: Path) -> FlaskClient:
    with open_store(tmp_path / "branchline.db") as store:
        add_campaign(store, "spring")
    client: FlaskClient = make_app(make_site(tmp_path)).test_client()
    return client


def requests_in(state: Path) -> int:
    with open_store(state / "branchline.db") as store:
        return len(store.query("SELECT 1 FROM requests"))


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:9", "LOCALHOST"])
def test_our_own_names_are_served(page: FlaskClient, host: str) -> None:
    assert page.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1", ""])
def test_a_rebound_name_is_refused(page: FlaskClient, host: str) -> None:
    for address in ("/", "/events", "/healthz", "/static/page.js"):
        assert page.get(address, headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"Origin": "http://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": "http://localhost"}, False),
    ],
)
def test_a_form_of_another_site_is_refused(
    page: FlaskClient, tmp_path: Path, headers: dict[str, str], token: bool
) -> None:
    data = {"campaign": "spring", "token": page.application.config["TOKEN"] if token else "guess"}
    assert page.post("/campaigns/stop", data=data, headers=headers).status_code == 403
    assert requests_in(tmp_path) == 0


def test_our_own_form_is_taken(page: FlaskClient, tmp_path: Path) -> None:
    data = {"campaign": "spring", "token": page.application.config["TOKEN"]}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert page.post("/campaigns/stop", data=data, headers=headers).status_code == 303
    assert requests_in(tmp_path) == 1


def test_only_our_own_files_may_run(page: FlaskClient) -> None:
    answer = page.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    for part in answer.text.split("<script")[1:]:
        assert part.startswith((' type="application/json"', ' type="module" src="/static/'))
