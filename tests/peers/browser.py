"""The status page as a person meets it: the real web process and Debian's Chromium.

    with web_process(state) as web, chromium() as browser:
        browser.get(web.url)
        wait_for(browser, lambda: "..." in text_of(browser, "#live"))

Needs the Debian packages chromium and chromium-driver; nothing is downloaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

PATIENCE_S = 60.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


@dataclass
class WebProcess:
    """A running `branchline web` and where it answers."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def stop(self) -> int:
        """End it as systemd does; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


@contextmanager
def web_process(state: Path, port: int = 0) -> Iterator[WebProcess]:
    """Run `branchline web` on a state directory; stopped at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", "web", "--port", str(port), "--state", str(state)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BRANCHLINE_CONFIG": str(state / "no-such-file.toml")},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://"), f"branchline web said {url!r} instead of its address"
        yield WebProcess(process, url)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def chromium(
    width: int = 1280, height: int = 900, *, dark: bool = False, lang: str = "en"
) -> Iterator[WebDriver]:
    """A headless Chromium with its own empty profile, showing a page of exactly that size."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--accept-lang={lang}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
        try:
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
            )
            if dark:
                scheme = {"name": "prefers-color-scheme", "value": "dark"}
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def text_of(browser: WebDriver, selector: str) -> str:
    """The visible text of the first element that fits, "" if there is none."""
    found = browser.find_elements(By.CSS_SELECTOR, selector)
    return found[0].text if found else ""


def texts_of(browser: WebDriver, selector: str) -> list[str]:
    """The visible texts of all elements that fit, read in one step.

    One script, because the page may replace an element between two questions.
    """
    script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())"
    return list(browser.execute_script(script, selector))


def wait_for(what: str, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Until it holds; the test fails, saying what was waited for, if it never does."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s in vain for: {what}"
        time.sleep(0.1)
