"""Opening the page's port."""

from __future__ import annotations

import os
import socket

import pytest

from daemon.web.serve import WebError, listen, url_of


def test_a_port_in_use_names_its_holder_and_another_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WebError) as raised:
            listen("127.0.0.1", port)
    message = str(raised.value)
    assert f"process {os.getpid()}" in message
    assert "--port" in message


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "box.example"])
def test_other_machines_are_not_let_in(host: str) -> None:
    with pytest.raises(WebError, match="ssh -L"):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_free_port_is_found(host: str) -> None:
    with listen(host, 0) as opened:
        assert url_of(opened).endswith(f":{opened.getsockname()[1]}/")
