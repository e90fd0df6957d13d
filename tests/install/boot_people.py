"""Prepares the boot trial's call: a simulated person, her voice, a line to her, a lead.

Writes into the directory given as its argument: people.yaml, voices/, leads.csv,
branchline.toml.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from daemon import paths
from daemon.demo import midday_zone
from daemon.rehearsal import people, render_voices
from models.registry import Registry
from models.tts import load_synthesiser

ADDRESS = "127.0.0.1:5090"
PERSONA = "accepts-en"


def main(directory: Path) -> None:
    """Write them all."""
    [person] = [each for each in people(["en"]) if each.name == PERSONA]
    # JSON is YAML.
    everybody = json.dumps([person.model_dump(mode="json")])
    (directory / "people.yaml").write_text(everybody, encoding="utf-8")
    registry = Registry(None, paths.models_dir())
    render_voices([person], lambda lang: load_synthesiser(registry, lang), directory / "voices")
    zone = midday_zone(datetime.now(UTC))
    lead = f"number,name,lang,timezone\n{person.number},Alex Sample,en,{zone}\n"
    (directory / "leads.csv").write_text(lead, encoding="utf-8")
    (directory / "branchline.toml").write_text(
        f'[lines.trial]\nproxy = "{ADDRESS}"\ndomain = "{ADDRESS}"\nlocal_host = "127.0.0.1"\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
