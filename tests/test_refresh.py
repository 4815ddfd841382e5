"""Refresh and publish on Modal: a new edition for each revision of the source, sent to the Hub, paid for once."""

import json
import subprocess

import pyarrow.parquet as pq
import pytest

from doubles.hub import HubDouble, User
from doubles.webhook import Receiver
from stage import MODEL, Stage

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOUNTS, reason="a container's Volumes need mount namespaces (root on Linux)"),
]
CARD = "---\nlicense: [cc-by-sa-3.0, gfdl]\nlanguage: en\nsize_categories: [n<1K]\n---\n# Topics\n"
JOB = f"""
[source]
name = "hub"
repo = "user/topics"

[embedder]
name = "openvino"
model = "{MODEL}"
precision = "f32"

[shards]
target_mb = 0.2

[runtime]
name = "modal"
max_containers = 2
max_cost_usd = 5

[[publish]]
name = "parquet"
path = "out/wikipedia"

[[publish]]
name = "hub"
repo = "user/embedded"
from_workers = true
"""
DEPLOY = ("deploy", "-m", "apps.wikipedia")
RUN = ("run", "-q", "-m", "apps.wikipedia")
REFRESH = ("run", "-q", "-m", "apps.wikipedia::refresh")


class Surroundings(Stage):
    """A stage with a Hub, a corpus on it, and a Secret with a token.

    Attributes:
        hub: The Hub.
    """

    def __init__(self, plane, folder, hub):
        super().__init__(plane, folder, documents=16, vectors="random")
        self.hub = hub
        self.job.write_text(JOB)
        self._files = folder / "topics"
        self._files.mkdir()
        (self._files / "README.md").write_text(CARD)
        rows = pq.read_table(self.corpus)
        for number in range(2):
            pq.write_table(rows.slice(number * 6, 6), self._files / f"train-{number:05d}-of-00002.parquet")
        self._more = rows.slice(12)
        self.source = hub.add("dataset", "user/topics", self._files)
        hub.users["hf_token"] = User("user")
        plane.containers.given.update(HF_ENDPOINT=hub.url, HF_HUB_DISABLE_XET="1")
        plane.workspace.add_secret("huggingface", {"HF_TOKEN": "hf_token"})

    def change(self):
        """Give the source a new revision, with another file's content."""
        pq.write_table(self._more, self._files / "train-00001-of-00002.parquet")
        return self.source.commit(self._files)

    def started(self, *command, code=0):
        """Run a command; return what it said and which containers it started."""
        before = len(self.plane.containers.started)
        output = self.modal(*command, code=code)
        output += "".join(line for app in self.plane.apps.apps.values() for _, line in app.log)
        return output, [name for _, name in self.plane.containers.started[before:]]

    @property
    def status(self):
        """What the run that was heard of last says of itself."""
        found = json.loads(self.modal("run", "-q", "-m", "apps.wikipedia::status", "--json"))
        return tuple(found[name] for name in ("state", "percent", "shards_done", "chunks", "cost_usd"))

    @property
    def cost(self):
        """What the current run has cost, as a status rounds it."""
        return round(json.loads((self.dataset / "manifest.json").read_text())["cost"]["estimate"], 4)

    def fetched(self, *command):
        """Run a command, and return which files it downloaded."""
        before = len(self.hub.downloads)
        self.modal(*command)
        return {request.path for request in self.hub.downloads[before:] if request.method == "GET"}

    @property
    def runs(self):
        """The folder of runs on the Volume."""
        return self.plane.volumes.folder("vecmill") / "runs"

    @property
    def record(self):
        """The record of the current run."""
        return json.loads((self.runs / "wikipedia.json").read_text())


@pytest.fixture
def scene(plane, tmp_path, monkeypatch):
    """Everything that a refresh needs."""
    monkeypatch.setenv("VECMILL_HUB_SECRET", "huggingface")
    monkeypatch.setenv("VECMILL_KEEP_RUNS", "1")
    with HubDouble(tmp_path / "hub") as hub:
        yield Surroundings(plane, tmp_path, hub)


def test_a_refresh_does_what_is_new_and_nothing_else(scene, vecmill):
    """The first makes an edition and publishes it; unchanged, nothing is done; changed, it makes another one.

    The second starts no GPU and no download, asks the Hub for no file, and reads no shard: it does not even see
    that one was tampered with, which a run by hand then does. The third keeps the vectors of articles that stayed,
    and removes the first one and its source.
    """
    output, first = scene.started(*REFRESH)
    assert "left to the driver to send" not in output
    assert {"refresh", "download", "ShardWorker.*"} == set(first)
    one, hub = scene.record, scene.hub
    assert one["revision"] == scene.source.resolve("main")
    assert one["folder"].startswith(f"wikipedia-{one['revision'][:8]}-")
    assert one["published"] == [f"{hub.url}/datasets/user/embedded"]
    manifest = json.loads((scene.dataset / "manifest.json").read_text())
    assert manifest["source"]["name"] == "hub-files"
    assert (manifest["source"]["options"]["repo"], manifest["source"]["options"]["revision"]) == (
        "user/topics",
        one["revision"],
    )
    cost = manifest["cost"]
    assert (cost["currency"], cost["gpu"]) == ("USD", "A10G")
    assert cost["estimate"] == pytest.approx(cost["container_seconds"] * cost["price_per_second"], rel=1e-3, abs=1e-5)
    assert cost["container_seconds"] > 0
    repo = hub.repos["dataset", "user/embedded"]
    card = repo.file("main", "README.md").path.read_text()
    assert '- "cc-by-sa-3.0"' in card
    assert f"at revision `{one['revision']}`" in card
    assert "It cost about 0.0" in card

    shard = next((scene.dataset / "data").iterdir())
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 255
    shard.write_bytes(damaged)
    transfers, commits = len(hub.transfers), len(repo.commits)
    output, second = scene.started(*REFRESH)
    assert second == ["refresh"]
    assert scene.status == ("finished", 100.0, len(list((scene.dataset / "data").iterdir())), one["chunks"], scene.cost)
    assert "its source is unchanged: nothing to do" in output
    assert (len(hub.transfers), len(repo.commits)) == (transfers, commits)
    _, by_hand = scene.started(*RUN)
    assert set(by_hand) == {"embed", "ShardWorker.*"}
    vecmill("verify", scene.dataset)

    revision = scene.change()
    assert len(scene.fetched(*REFRESH)) == 1  # of two files one has changed; the other one is on the Volume
    two = scene.record
    assert (two["revision"], two["recipe"]) == (revision, one["recipe"])
    reused = json.loads((scene.dataset / "manifest.json").read_text())["reused"]
    assert reused["run_id"] == one["run_id"]
    assert 0 < reused["chunks"] < two["chunks"]
    left = {path.relative_to(scene.runs).parts[0] for path in scene.runs.rglob("*") if path.is_file()}
    assert left == {"wikipedia.json", f"{two['folder']}.json", two["folder"]}
    sources = scene.runs.parent / "sources" / "user--topics"
    assert [path.name for path in sources.iterdir() if any(path.rglob("*.parquet"))] == [revision]
    vecmill("verify", scene.dataset)
    rows = pq.read_table(scene.dataset / "data").num_rows
    output, _ = scene.started("run", "-q", "-m", "apps.wikipedia::check")
    assert f"{rows:,} rows in" in output
    assert "has not reported its end" not in output  # each of them ended its lease
    assert len([path for path in repo.files("main") if path.endswith(".parquet")]) == len(
        list((scene.dataset / "data").iterdir())
    )


@pytest.mark.parametrize(
    ("secret", "code", "message"),
    [
        ("", 2, "no Modal Secret with the token is named. Make one"),
        ("nonesuch", 1, "Secret 'nonesuch' not found"),
        ("keyless", 1, "Secret 'keyless' is missing key(s): HF_TOKEN"),
    ],
)
def test_without_a_token_nothing_is_deployed(scene, monkeypatch, secret, code, message):
    """No Secret named, none of that name, or one without the key: one message, and nothing is paid for."""
    scene.plane.workspace.add_secret("keyless", {"OTHER": "x"})
    monkeypatch.setenv("VECMILL_HUB_SECRET", secret)
    output, started = scene.started(*DEPLOY, code=code)
    assert message in " ".join(output.split())
    assert "Traceback" not in output
    assert not started


@pytest.mark.fault(
    "modal",
    "a scheduled or detached run fails unattended",
    promise="The address in a Modal Secret gets a report without secrets, and no log has the address; `::status` "
    "shows the error.",
)
def test_a_failed_run_is_told_and_its_status_known(scene, monkeypatch):
    """The source is gone, found out by the driver alone: before that no run is known of, after it the run's status is.

    In text and as JSON, from no container.
    """
    status = ("run", "-q", "-m", "apps.wikipedia::status")
    output, started = scene.started(*status, code=1)
    assert "vecmill: nothing is known of a run of 'wikipedia' in the last week" in output
    scene.hub.users["hf_token"] = User("user", role="read")
    monkeypatch.setenv("VECMILL_WEBHOOK_SECRET", "alerts")
    with Receiver() as receiver:
        address = f"{receiver.url}/T0/verysecretkey"
        scene.plane.workspace.add_secret("alerts", {"VECMILL_WEBHOOK_URL": address})
        output, _ = scene.started(*REFRESH, code=1)
        ((path, _, report),) = receiver.received
    assert path == "/T0/verysecretkey"
    assert (report["app"], report["by"], report["dataset"]) == ("vecmill-wikipedia", "refresh", "wikipedia")
    assert report["run"].startswith("wikipedia-")
    assert "may not write to user/embedded: make one with write permission" in report["error"]
    text, started = scene.started(*status)
    assert f"{report['run']}: failed (refresh of vecmill-wikipedia, begun 20" in text
    assert f"last error  {report['error']}" in text
    found = json.loads(scene.modal(*status, "--json", "--run", report["run"]))
    assert (found["state"], found["max_cost_usd"], found["error"]) == ("failed", 5.0, report["error"])
    assert started == []
    assert "verysecretkey" not in output + text
    dicts = [entry for entries in scene.plane.dicts.dicts.values() for pair in entries.items() for entry in pair]
    assert not any(b"verysecretkey" in entry for entry in dicts)


def test_without_a_ceiling_nothing_is_deployed_and_no_run_begun(scene, monkeypatch):
    """The message says what the run will cost, as far as the source's beginning tells, and what to set."""
    scene.job.write_text(JOB.replace("max_cost_usd = 5\n", ""))
    monkeypatch.setenv("HF_ENDPOINT", scene.hub.url)
    monkeypatch.setenv("HF_TOKEN", "hf_token")
    for command in (DEPLOY, RUN):
        output, started = scene.started(*command, code=2)
        output = " ".join(output.split())
        assert "vecmill: runtime.max_cost_usd is not set, and this run costs about 0.0" in output
        assert 'such as runtime.max_cost_usd=1, or to "none" to accept any cost' in output
        assert "Traceback" not in output
        assert started == ([] if command is DEPLOY else ["embed"])
    assert scene.plane.apps.deployed("vecmill-wikipedia") is None


def test_what_cannot_be_published_or_paid_is_not_begun(scene, monkeypatch):
    """A token that may not write, and a ceiling below a shard's price: no GPU, and a message that says what to do.

    An option that is part of the app cannot be changed for one run, and is not passed over either: no container starts.
    """
    scene.hub.users["hf_token"] = User("user", role="read")
    output, started = scene.started(*RUN, code=1)
    assert started == ["embed"]
    assert "may not write to user/embedded: make one with write permission" in output

    scene.hub.users["hf_token"] = User("user")
    output, started = scene.started(*RUN, "--set", "runtime.max_cost_usd=0.000000001 runtime.gpu=T4", code=2)
    assert not started
    assert "runtime.gpu = ('T4',): this is part of the app as it was started" in output

    output, started = scene.started(*RUN, "--set", "runtime.max_cost_usd=0.000000001 shards.target_mb=0.02", code=1)
    assert set(started) == {"embed", "download"}
    assert (
        output.count("runtime.max_cost_usd is 1e-09. Raise it to go on; what is done is kept") == 2
    )  # its log, its error
    assert "shards were not begun; what is done is kept:" in output
    assert "failed" not in output
    assert not list(scene.runs.glob("*.json"))


def test_places_and_starts_arrive_as_the_settings_say(scene, tmp_path):
    """A bucket beside the Volume in every container, the token beside the GPU, a memory snapshot.

    What one uploads from a laptop is on the Volume, where the command says.
    """
    bucket = ("runtime.bucket=corpora/news/", "runtime.bucket_endpoint=https://storage.googleapis.com")
    starts = ("runtime.scaledown_window=300", "runtime.memory_snapshot=true")
    scene.plane.workspace.add_secret("keys", {"AWS_ACCESS_KEY_ID": "x"})
    scene.modal(*DEPLOY, changes=(*bucket, "runtime.bucket_secret=keys", *starts))
    deployed = scene.plane.deployed("vecmill-wikipedia")
    worker = deployed["SnapshotWorker.*"]
    assert (worker.scaledown_window, worker.snapshot) == (300, True)
    assert worker.secrets == [{"HF_TOKEN"}]
    for name in deployed:
        functions = scene.plane.apps.deployed("vecmill-wikipedia").functions
        (mount,) = scene.plane.functions.get(functions[name]).definition.cloud_bucket_mounts
        assert (mount.mount_path, mount.bucket_name, mount.key_prefix) == ("/mnt/bucket", "corpora", "news/")
        assert (mount.bucket_endpoint_url, mount.read_only) == ("https://storage.googleapis.com", True)
        assert scene.plane.workspace.secrets[mount.credentials_secret_id] == {"AWS_ACCESS_KEY_ID": "x"}

    folder = tmp_path / "news"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "a.jsonl").write_text('{"id": "a", "text": "x"}\n')
    (folder / ".hidden").write_text("x")
    upload = ("run", "-q", "-m", "apps.wikipedia.upload", "--path", str(folder))
    assert 'source.path = "/mnt/vecmill/sources/news"' in scene.modal(*upload)
    sources = scene.plane.volumes.folder("vecmill") / "sources"
    assert [path.relative_to(sources).as_posix() for path in sources.rglob("*") if path.is_file()] == [
        "news/2026/a.jsonl"
    ]
    assert "there is no file" in scene.modal(*upload[:-1], str(tmp_path / "none"), code=2)
    assert "--path is empty" in scene.modal(*upload[:-1], "", code=2)  # it is no name for all that lies here
