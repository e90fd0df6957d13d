"""The registry: what it fetches is what the manifest says, or an error that helps."""

import hashlib
import json
import shutil
import threading
import zipfile
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from click.testing import CliRunner

from daemon.commands.models import command
from models.base import ModelError, ModelMissingError
from models.manifest import DEFAULT_MANIFEST, load_manifest
from models.registry import Registry

WEIGHTS = bytes(range(256)) * 4096


class Publisher(BaseHTTPRequestHandler):
    """Serves `files`; answers ranges; `break_after` bytes it hangs up, once."""

    files: ClassVar[dict[str, bytes]] = {}
    break_after: int | None = None
    ranges: ClassVar[list[str]] = []

    def do_GET(self):
        body = self.files.get(self.path.lstrip("/"))
        if body is None:
            self.send_error(404)
            return
        start = 0
        if wanted := self.headers.get("Range"):
            type(self).ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if self.break_after is not None:
            self.wfile.write(body[start : start + self.break_after])
            type(self).break_after = None
            self.connection.close()
            return
        self.wfile.write(body[start:])

    def log_message(self, *_args):
        pass


@pytest.fixture
def publisher():
    Publisher.files, Publisher.break_after, Publisher.ranges = {"weights.bin": WEIGHTS}, None, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def manifest(tmp_path, source, body=WEIGHTS, name="weights.bin", extra="", hashed="sha256"):
    path = tmp_path / "manifest.toml"
    digest = hashlib.new(hashed, body).hexdigest()
    path.write_text(
        f'[tiny]\npurpose = "test"\nlanguages = ["en"]\nlicence = "MIT"\ndefault = true\n{extra}\n'
        f'[[tiny.files]]\nname = "{name}"\nsize = {len(body)}\n{hashed} = "{digest}"\n{source}'
    )
    return path


def url_source(address):
    return f'[[tiny.sources]]\nkind = "url"\nfolder = "{address}"\n'


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path):
    registry = Registry(None, tmp_path)
    with pytest.raises(ModelMissingError, match="branchline models pull whisper-base"):
        registry.path("whisper-base")
    with pytest.raises(ModelError, match="there is no model 'nonsense'"):
        registry.path("nonsense")


def test_pull_fetches_verifies_and_keeps(tmp_path, publisher):
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    seen = []
    assert registry.pull(progress=lambda *step: seen.append(step)) == ["tiny"]
    assert seen[-1] == ("weights.bin", len(WEIGHTS), len(WEIGHTS))
    assert (registry.path("tiny") / "weights.bin").read_bytes() == WEIGHTS
    assert registry.pull() == []
    assert registry.verify() == {"tiny": "ok"}


def test_a_download_that_broke_off_is_continued_with_a_range(tmp_path, publisher):
    Publisher.break_after = 300_000
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    registry.pull()
    assert Publisher.ranges == ["bytes=300000-"]
    assert (registry.path("tiny") / "weights.bin").read_bytes() == WEIGHTS


def test_a_part_left_by_an_earlier_run_is_continued(tmp_path, publisher):
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    part = tmp_path / "models" / ".incoming" / "tiny" / "weights.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(WEIGHTS[:1000])
    registry.pull()
    assert Publisher.ranges == ["bytes=1000-"]
    assert registry.verify() == {"tiny": "ok"}


def test_wrong_content_is_refused_and_thrown_away(tmp_path, publisher):
    Publisher.files = {"weights.bin": WEIGHTS[::-1]}
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    with pytest.raises(ModelError, match="wrong hash"):
        registry.pull()
    assert not registry.installed("tiny")
    assert not list((tmp_path / "models").rglob("weights*"))


def test_the_next_source_is_tried_and_all_reasons_are_told(tmp_path, publisher):
    sources = url_source(publisher + "/nowhere") + url_source(publisher)
    registry = Registry(manifest(tmp_path, sources), tmp_path / "models")
    assert registry.pull() == ["tiny"]
    lost = Registry(manifest(tmp_path, url_source(publisher + "/gone")), tmp_path / "other")
    with pytest.raises(ModelError, match=r"404.*models pull --from DIR"):
        lost.pull()


def test_a_file_changed_since_is_hashed_again_and_refused(tmp_path, publisher):
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    registry.pull()
    weights = tmp_path / "models" / "tiny" / "weights.bin"
    weights.write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(ModelError, match=r"damaged.*branchline models pull tiny"):
        registry.path("tiny")
    assert "damaged" in registry.verify()["tiny"]
    assert registry.pull() == ["tiny"]
    weights.touch()
    assert registry.path("tiny") == weights.parent


def test_an_md5_will_do_where_the_publisher_has_no_better(tmp_path, publisher):
    source = url_source(publisher)
    registry = Registry(manifest(tmp_path, source, hashed="md5"), tmp_path / "models")
    registry.pull()
    stamp = json.loads((tmp_path / "models" / "tiny" / ".verified.json").read_text())
    assert stamp["weights.bin"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert registry.path("tiny")


def test_a_bundle_serves_a_box_without_network(tmp_path, publisher):
    path = manifest(tmp_path, url_source(publisher))
    there = Registry(path, tmp_path / "models")
    there.pull()
    assert there.bundle(tmp_path / "usb") == ["tiny"]
    Publisher.files = {}
    here = Registry(path, tmp_path / "box")
    assert here.pull(source=tmp_path / "usb") == ["tiny"]
    assert here.verify() == {"tiny": "ok"}
    (tmp_path / "usb" / "tiny" / "weights.bin").unlink()
    with pytest.raises(ModelError, match="does not exist"):
        Registry(path, tmp_path / "third").pull(source=tmp_path / "usb")


@pytest.fixture
def zipped(tmp_path, publisher):
    archive = tmp_path / "m.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("m/am/final.mdl", WEIGHTS)
        out.writestr("m/conf/model.conf", "--beam=10\n")
    body = archive.read_bytes()
    Publisher.files = {"m.zip": body}
    extra = 'unpack = "m.zip"\nroot = "m"'
    return manifest(tmp_path, url_source(publisher), body, "m.zip", extra)


def test_an_archive_is_unpacked_and_its_files_are_watched(tmp_path, zipped):
    registry = Registry(zipped, tmp_path / "models")
    registry.pull()
    home = registry.path("tiny")
    assert (home / "conf" / "model.conf").read_text() == "--beam=10\n"
    (home / "conf" / "model.conf").write_text("--beam=99\n")
    with pytest.raises(ModelError, match="damaged"):
        registry.path("tiny")
    assert registry.pull() == ["tiny"]
    (home / "conf" / "extra.conf").write_text("planted")
    with pytest.raises(ModelError, match=r"extra\.conf"):
        registry.path("tiny")


def test_an_archive_that_was_not_unpacked_here_is_not_trusted(tmp_path, zipped):
    registry = Registry(zipped, tmp_path / "models")
    registry.pull()
    (tmp_path / "models" / "tiny" / ".verified.json").unlink()
    with pytest.raises(ModelError, match="damaged"):
        registry.path("tiny")
    assert registry.pull() == ["tiny"]
    assert registry.path("tiny")


def wheel(directory, name, members):
    """A minimal wheel file that pip accepts."""
    directory.mkdir(exist_ok=True)
    info = f"{name}-1.0.0.dist-info"
    with zipfile.ZipFile(directory / f"{name}-1.0.0-py3-none-any.whl", "w") as out:
        for member, body in members.items():
            out.writestr(member, body)
        out.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        out.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        out.writestr(f"{info}/RECORD", "")


def test_wheels_are_a_mirror_and_their_parts_are_joined(tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheel(wheels, "tiny_a", {"tiny_a/w.1": WEIGHTS[:5000], "tiny_a/__init__.py": "1/0"})
    wheel(wheels, "tiny_b", {"tiny_b/w.2": WEIGHTS[5000:]})
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = (
        '[[tiny.sources]]\nkind = "wheel"\nfolder = "tiny_a"\n'
        'packages = ["tiny-a==1.0.0", "tiny-b==1.0.0"]\n'
        '[tiny.sources.paths]\n"weights.bin" = ["tiny_a/w.1", "tiny_b/w.2"]\n'
    )
    registry = Registry(manifest(tmp_path, source), tmp_path / "models")
    registry.pull()
    assert (registry.path("tiny") / "weights.bin").read_bytes() == WEIGHTS
    shutil.rmtree(wheels)
    with pytest.raises(ModelError, match=r"pip could not download tiny-a==1.0.0"):
        Registry(manifest(tmp_path, source), tmp_path / "other").pull()


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path, publisher, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 10 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    registry = Registry(manifest(tmp_path, url_source(publisher)), tmp_path / "models")
    with pytest.raises(ModelError, match=r"needs 66 MB .* has 10 MB free"):
        registry.pull()


def test_the_manifest_that_ships_is_complete():
    specs = load_manifest(DEFAULT_MANIFEST)
    assert {n for n, s in specs.items() if s.default} == {
        "whisper-base",
        "en-us-joe",
        "zh-cn-baker",
    }
    assert [n for n, s in specs.items() if s.evaluation_only] == ["zh-cn-baker"]
    assert "non-commercial" in specs["zh-cn-baker"].licence
    for spec in specs.values():
        assert spec.licence and spec.languages and spec.sources
        assert not spec.unpack or spec.root


def test_a_manifest_whose_file_leaves_its_directory_is_refused(tmp_path):
    path = manifest(tmp_path, url_source("http://127.0.0.1:1"), name="../escape")
    with pytest.raises(ModelError, match="leaves the model's directory"):
        load_manifest(path)


def test_the_command_says_what_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("BRANCHLINE_MODELS", str(tmp_path))
    home = tmp_path / "zh-cn-baker"
    home.mkdir()
    (home / "baker_mapper.json").write_text("{}")
    listed = CliRunner().invoke(command, ["list", "--json"])
    rows = {row["name"]: row for row in map(json.loads, listed.output.splitlines())}
    assert rows["zh-cn-baker"]["evaluation_only"] is True
    assert rows["zh-cn-baker"]["installed"] is False
    verified = CliRunner().invoke(command, ["verify"])
    assert isinstance(verified.exception, ModelError)
    assert "branchline models pull zh-cn-baker" in str(verified.exception)
