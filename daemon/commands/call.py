"""`branchline call`: one call, from dialling to hang-up."""

from __future__ import annotations

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import click
from rich.console import Console

from daemon.config import Config, LineConfig, load_config
from daemon.errors import BranchlineError, ConfigError

if TYPE_CHECKING:
    from daemon.app import Box
    from daemon.call.result import CallResult
    from daemon.store.write import Store

DIRECT = "direct"


EPILOG = """
\b
Examples:
  branchline call sip:reception@192.0.2.10 --lang zh --lead name=李明
  branchline call +12025550101 --lang en --line trunk --json
"""


@click.command(name="call", epilog=EPILOG)
@click.argument("address")
@click.option("--scenario", default="finance/credit_card_installment", show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), required=True, help="Language to speak.")
@click.option("--lead", "lead", multiple=True, metavar="KEY=VALUE", help="What is known: name=...")
@click.option("--line", "line_name", default="", help="Configured line; default: the first.")
@click.option("--max-seconds", type=click.IntRange(5, 3600), help="Wind the call up after this.")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines; the result is last.")
def command(
    address: str,
    scenario: str,
    lang: str,
    lead: tuple[str, ...],
    line_name: str,
    max_seconds: int | None,
    as_json: bool,
) -> None:
    """Call ADDRESS (sip:user@host:port, or a number on a configured line) and talk.

    Exit code 0 says that the call ran its course, whatever its disposition. Ctrl-C ends
    it with a goodbye.
    """
    from daemon.app import Box, CallOrder
    from daemon.campaign.numbers import canonical
    from daemon.console import JsonPrinter, TranscriptPrinter, prepare_prompts

    facts = parse_lead(lead)
    number = canonical(address, lang)
    config, line_name = with_line(load_config(), line_name, address)
    box = Box(config)
    console = Console(highlight=False)
    box.start()
    try:
        refuse_if_refused(box.store, number, address)
        prepare_prompts(box, [(scenario, lang)])
        order = CallOrder(
            number=number,
            scenario=scenario,
            lang=lang,
            lead=facts,
            address=address,
            max_call_s=max_seconds,
        )
        listener = JsonPrinter(console) if as_json else TranscriptPrinter(console)
        with ThreadPoolExecutor(1) as caller:
            result = finish(box, caller.submit(box.place, order, line_name, listener))
    finally:
        box.stop()
    if as_json:
        console.out(json.dumps(result.as_json(), ensure_ascii=False), highlight=False)
    else:
        console.print(f"\n{result.disposition}, outcome {result.outcome}, call {result.call_id}")


def finish(box: Box, call: Future[CallResult]) -> CallResult:
    """Wait for the call; Ctrl-C says goodbye first, a second one hangs up."""
    try:
        return call.result()
    except KeyboardInterrupt:
        click.echo("saying goodbye; Ctrl-C again hangs up at once", err=True)
        box.wind_up()
    try:
        return call.result()
    except KeyboardInterrupt:
        box.hang_up()
        return call.result()


def parse_lead(pairs: tuple[str, ...]) -> dict[str, str]:
    """KEY=VALUE pairs as a mapping."""
    facts = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--lead")
        facts[key] = value
    return facts


def with_line(config: Config, line_name: str, address: str) -> tuple[Config, str]:
    """The configuration and the name of the line to use; a direct line if none is set up."""
    if line_name and line_name not in config.lines:
        known = ", ".join(config.lines) or "none"
        raise ConfigError(f"there is no line {line_name!r} in the configuration; known: {known}")
    if config.lines:
        return config, line_name or next(iter(config.lines))
    if not address.startswith("sip:"):
        raise ConfigError(
            f"no line is configured, so the number {address} cannot be dialled; add a [lines.NAME] "
            "section to the configuration, or call a SIP address (sip:user@host:port)"
        )
    line = LineConfig(local_host=local_address(host_of(address)))
    return config.model_copy(update={"lines": {DIRECT: line}}), DIRECT


def host_of(address: str) -> str:
    """The host of a SIP address."""
    return (
        address.removeprefix("sip:").rpartition("@")[2].partition(";")[0].rpartition(":")[0]
        or (address.removeprefix("sip:").rpartition("@")[2].partition(";")[0])
    )


def local_address(host: str) -> str:
    """Our own address on the way to `host`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 5060))
        except OSError as error:
            raise ConfigError(f"{host} cannot be reached: {error}; check the address") from error
        name: str = probe.getsockname()[0]
        return name


def refuse_if_refused(store: Store, number: str, address: str) -> None:
    """Never call somebody who said no. A loopback address is a test peer, not a person."""
    refused = store.do_not_call(number)
    if refused is not None and not local_peer(address):
        raise BranchlineError(
            f"{number} is on the do-not-call list ({refused.reason}, call {refused.call_id}); "
            f"`branchline leads why {number}` tells more"
        )


def local_peer(address: str) -> bool:
    """True for a SIP address on this very machine."""
    return address.startswith("sip:") and host_of(address) in ("localhost", "127.0.0.1")
