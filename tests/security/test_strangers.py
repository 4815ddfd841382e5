"""A dataset that somebody else made decides nothing: no address, no model, and no use of a token or key."""

from __future__ import annotations

import http.server
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

import vecmill
from doubles.hub import HubDouble
from repository import DEMO, model_folder
from small_dataset import small_dataset
from vecmill.errors import ConfigError, EngineError, ModelError
from vecmill.plugins import load
from vecmill.plugins.registry import Registered
from vecmill.quality import measure
from vecmill.tei.client import Router
from vecmill.tei.errors import check_status
from vecmill.testing import HashEmbedder

STRANGE = "0123456789abcdef"
KEY = "canary-of-the-router"
TOKEN = "hf_CanaryOfTheReader012345"  # noqa: S105 - planted, to be looked for
COMMAND = Path(sys.executable).with_name("vecmill")


class Listener:
    """A server that only writes down what is sent to it, or sends everybody elsewhere."""

    def __init__(self, location: str = "") -> None:
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_one_request(self):
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    body = self.rfile.read(int(self.headers.get("content-length", 0)))
                    outer.requests.append(f"{self.requestline}\n{self.headers}\n{body.decode()}")
                    self.send_response(307 if location else 404)
                    self.send_header("Location", location)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener():
    """Listen at an address that a stranger chose."""
    with Listener() as listener:
        yield listener


@pytest.fixture
def strange(tmp_path):
    """Return what makes a dataset whose manifest names an embedder, and whose run nobody here has made."""
    path = small_dataset(tmp_path / "made", 3).path

    def make(embedder, *, note=None, **model):
        manifest = json.loads((path / "manifest.json").read_text())
        manifest["run_id"] = STRANGE
        manifest["recipe"]["embedder"] = {"version": 1, **embedder}
        manifest["model"] |= model
        (path / "manifest.json").write_text(json.dumps(manifest))
        if note is not None:
            (path / ".vecmill.places.json").write_text(json.dumps({"run_id": STRANGE, "embedder": note}))
        return path

    return make


def uses(dataset, **reader):
    """Return every way to have a dataset's queries embedded."""
    manifest = vecmill.open_dataset(dataset).manifest
    return (
        lambda: vecmill.search(dataset, "a secret question", **reader),
        lambda: vecmill.Searcher(dataset, **reader),
        lambda: vecmill.embed_query(manifest, "a secret question", **reader),
        lambda: vecmill.QueryEmbedder(manifest, **reader),
    )


def declining(questions):
    """Return an answer to questions that notes each, and declines."""

    def confirm(question):
        questions.append(question)
        return False

    return confirm


@pytest.mark.fault(
    "security",
    "the manifest of somebody else's dataset names a router",
    promise="It is refused by name; neither query, texts nor key are sent to it, whatever the environment contains.",
)
@pytest.mark.parametrize("own_router", [True, False])
def test_no_address_of_a_manifest_is_gone_to(strange, listener, monkeypatch, own_router):
    """Not even if the model is named, and not to the reader's own router in its place: what it asks for is unknown."""
    monkeypatch.setenv("VECMILL_TEI_API_KEY", KEY)
    with Listener() as own:
        if own_router:
            monkeypatch.setenv("VECMILL_TEI_URL", own.url)
        dataset = strange({"name": "tei", "model": "some/model", "url": listener.url})
        address, known = (own.url, r" \(which VECMILL_TEI_URL names\)") if own_router else ("VALUE", "")
        for reader in ({}, {"model": "some/model"}, {"confirm": lambda _: True}):
            typed = f"{'' if 'model' in reader else '--model some/model '}--embedder url={address}, or in Python with "
            message = rf"holds an address, embedder\.url = '{listener.url}'.* an address of yours{known} with {typed}"
            for use in uses(dataset, **reader):
                with pytest.raises(ModelError, match=message):
                    use()
        assert "holds an address" in str(measure(dataset).why_not)
        assert own.requests == []
    assert listener.requests == []


@pytest.mark.fault(
    "security",
    "a dataset's folder contains a note that looks like one of this machine's",
    promise="vecmill asks before it uses it, and refuses it where nobody can answer; nothing is sent to its address.",
)
def test_a_note_beside_a_dataset_is_not_believed_for_lying_there(strange, listener):
    """Its address and its folder are told in the question; without a yes they are not gone to."""
    questions: list[str] = []
    dataset = strange(
        {"name": "tei", "model": "some/model", "url": None}, note={"url": listener.url, "model": "/mnt/of/a/stranger"}
    )
    for use in uses(dataset):
        with pytest.raises(ModelError, match="no run that is known here made it: if you trust it, name it yourself"):
            use()
    for use in uses(dataset, confirm=declining(questions)):
        with pytest.raises(ModelError, match="was declined"):
            use()
    assert all(listener.url in question and "/mnt/of/a/stranger" in question for question in questions)
    assert len(questions) == 4
    assert listener.requests == []


def test_an_address_in_the_environment_that_holds_a_password_is_not_shown(strange, monkeypatch):
    """Nor is what is none."""
    dataset = strange({"name": "tei", "model": ".../mini", "url": "http://evil.example"})
    for value in ("http://me:canary@127.0.0.1:1", "canary"):
        monkeypatch.setenv("VECMILL_TEI_URL", value)
        with pytest.raises(ModelError, match="yours with --model DIR --embedder url=VALUE") as refused:
            vecmill.search(dataset, "a question")
        assert "canary" not in str(refused.value)


def test_a_question_says_where_texts_and_a_key_go(strange, listener):
    """If what the dataset names is an address; a model alone gets neither."""
    questions: list[str] = []
    for note in ({"url": listener.url}, {}):
        dataset = strange({"name": "tei", "model": "some/model"}, note=note)
        with pytest.raises(ModelError, match="was declined"):
            vecmill.search(dataset, "a question", confirm=declining(questions))
    assert ["with the key that your environment has for it" in question for question in questions] == [True, False]


@pytest.mark.parametrize("embedder", [{"model": "a/b" + " " * 1000}, {"model": "a/b", "url": "http://" + "x" * 1000}])
def test_what_nobody_reads_to_its_end_is_not_asked_about(strange, embedder):
    """A name that pushes the question off the screen is refused, in one line."""
    with pytest.raises(ModelError, match=r"embedder\.\w+ has 1,00\d characters.*name your own with --") as refused:
        vecmill.search(strange({"name": "tei", **embedder}), "a question", confirm=lambda _: True)
    assert len(str(refused.value)) < 300


def test_where_no_run_can_be_registered_the_advice_says_so(strange, monkeypatch, tmp_path):
    """To run a job again is no help there, for the next search knows no more of it."""
    dataset = strange({"name": "tei", "model": "some/model"})
    (tmp_path / "file").write_text("")
    for state, ends in ((tmp_path / "file", " with VECMILL_STATE set to a folder that can be written"), (tmp_path, "")):
        monkeypatch.setenv("VECMILL_STATE", str(state / "state"))
        with pytest.raises(ModelError, match=f"run its job again{ends}$"):
            vecmill.search(dataset, "a question")


class Remote(HashEmbedder):
    """An embedder of a plugin: behind a host, with a folder, and with an option that its author has not declared."""

    name = "remote"
    location = frozenset({"host"})
    opened: ClassVar[list[tuple[str | None, str | None]]] = []

    class Config(HashEmbedder.Config):
        """Where it is."""

        host: str | None = None
        api_base: str | None = None
        depth: int = 1

    def open(self):
        """Remember where it goes."""
        options = self.config.model_dump()
        Remote.opened.append((options["host"], options["api_base"]))


@pytest.fixture
def remote(monkeypatch):
    """Have that plugin installed."""
    monkeypatch.setitem(load().registry.entries["embedder"], "remote", Registered(Remote, "remote"))
    monkeypatch.setattr(Remote, "opened", [])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("host", "evil.example", "with host = 'evil.example'"),
        ("host", "evil.example:80", "holds an address"),
        ("host", "10.0.0.1", "holds an address"),
        ("host", "[::1]:80", "holds an address"),
        ("host", "//evil.example/x", "holds an address"),
        ("host", "\\\\evil\\share", "holds an address"),
        ("host", " https://evil.example", "holds an address"),
        ("api_base", "https://evil.example", "holds an address"),
        ("api_base", "evil.example", "with api_base = 'evil.example'"),
    ],
)
def test_what_leads_anywhere_is_refused_of_every_plugin(strange, remote, key, value, message):
    """In ``location`` or not; the reader's own word and a yes open it."""
    dataset = strange({"name": "remote", "depth": 2, "dimension": 8, key: value})
    for use in uses(dataset):
        with pytest.raises(ModelError, match=message):
            use()
    assert Remote.opened == []
    assert len(vecmill.search(dataset, "a question", embedder={key: "own.example"})) == 3
    if message.startswith("with"):
        vecmill.search(dataset, "a question", confirm=lambda question: message in question)
    theirs = () if "address" in message else (value,)
    assert [next(filter(None, each)) for each in Remote.opened] == ["own.example", *theirs]


def test_numbers_and_a_word_of_a_few_are_not_asked_about(strange):
    """They lead nowhere, so a dataset of such an embedder is searched as ever."""
    assert len(vecmill.search(strange({"name": "hash", "dimension": 8, "prompt": "x: "}), "a question")) == 3


def test_another_model_than_the_one_that_made_the_dataset_is_refused(strange, remote):
    """By its width, and by its revision."""
    dataset = strange({"name": "remote"})
    with pytest.raises(ModelError, match="its dimension is 9, and that of the dataset's is 8"):
        vecmill.search(dataset, "a question", embedder={"dimension": 9})
    with pytest.raises(ModelError, match="its revision is 1, and that of the dataset's is 2"):
        vecmill.search(strange({"name": "remote"}, revision="2"), "a question")


def test_an_option_that_the_embedder_does_not_have_is_refused(strange, remote):
    """By name, whoever set it."""
    with pytest.raises(ConfigError, match=r"embedder\.hots: unknown key; did you mean 'host'"):
        vecmill.search(strange({"name": "remote"}), "a question", embedder={"hots": "x"})


def test_a_router_that_sends_elsewhere_gets_no_further(monkeypatch):
    """No redirect is followed, so neither key nor text is at any host but the one that was named."""
    with Listener() as elsewhere, Listener(location=f"{elsewhere.url}/embed") as router:
        client = Router(router.url, 1, 5.0, KEY)
        with pytest.raises(EngineError, match="answered 307"):
            client.post("/embed", b'{"inputs": ["a secret"]}')
        with pytest.raises(EngineError, match="answered 307"):
            check_status(client.get("/info"))
        client.close()
        assert len(router.requests) == 2
        assert elsewhere.requests == []


@pytest.fixture(scope="module")
def minilm():
    """The folder of the demo's model."""
    return model_folder()


@pytest.fixture
def hub_dataset(minilm, tmp_path, vecmill):
    """A Hub with a model, a dataset of a stranger that names it, and the environment of a reader with a token."""
    vecmill("run", DEMO, "--set", f"publish.0.path={tmp_path / 'out'}", "--set", "source.limit=2")
    with HubDouble(tmp_path / "hub") as hub:
        commit = hub.add("model", "stranger/mini", minilm).resolve(None)
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        manifest["run_id"] = STRANGE
        manifest["recipe"]["embedder"] |= {"model": "stranger/mini", "revision": commit}
        manifest["model"] |= {"id": "stranger/mini", "revision": commit}
        (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
        home = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": TOKEN}
        environment = {**os.environ, **home, "TERM": "xterm"}
        yield hub, tmp_path / "out", environment


def answered(command, environment, answer):
    """Run a command at a terminal on which somebody answers; return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(ours, 10_000)
    os.write(ours, answer)
    output = process.communicate()[0]
    os.close(ours)
    return process.returncode, shown.decode(), output.decode()


@pytest.mark.fault(
    "security",
    "the manifest of somebody else's dataset names a model of the Hub",
    promise="vecmill asks first, and after a yes fetches it without the reader's token; a model that the reader "
    "names is fetched as usual.",
)
def test_a_strangers_model_is_told_first_and_fetched_without_a_token(hub_dataset):
    """Refused where nobody can be asked; after a no, nothing is fetched; ``--model`` is a word of the reader's."""
    hub, dataset, environment = hub_dataset
    search = [COMMAND, "search", dataset, "a question", "--json"]
    done = subprocess.run(search, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "with model = 'stranger/mini' at revision " in done.stderr
    assert "name it yourself with --model stranger/mini" in done.stderr
    code, shown, _ = answered(search, environment, b"n\n")
    assert code == 1
    assert "stranger/mini" in shown
    assert hub.requests == []

    code, _, output = answered(search, environment, b"y\n")
    assert code == 0
    assert len(json.loads(output)) == 3
    assert hub.requests
    assert {request.token for request in hub.requests} == {None}

    shutil.rmtree(environment["HF_HOME"])
    named = subprocess.run([*search, "--model", "stranger/mini"], env=environment, capture_output=True, check=False)
    assert named.returncode == 0, named.stderr
    assert TOKEN in {request.token for request in hub.requests}
