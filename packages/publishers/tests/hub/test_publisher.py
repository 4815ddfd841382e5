"""Publishing to the Hub, and publishing again."""

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from vecmill import run
from vecmill.errors import PublishError
from vecmill.records import Publishing
from vecmill.store.verify import verify
from vecmill.testing import check_delivery, check_publisher

# The client's own way of sending a file is one that its HTTP library is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def requests(hub):
    """Return what was asked of the Hub, without what the client asks for itself."""
    return [(r.method, r.path) for r in hub.requests if r.path != "/api/agent-harnesses"]


def test_it_is_a_publisher(hub, publisher, made):
    """It keeps the protocol: repeatable, true progress, and the dataset is left alone."""
    assert check_publisher(publisher(), made) == f"{hub.url}/datasets/user/name"


def test_it_keeps_to_its_own_things(hub, publisher, made, tmp_path):
    """Strangers refused, nothing old left where readers look, damage refused: as every publisher has to."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "README.md").write_text("# Mine")
    hub.add("dataset", "user/theirs", tmp_path / "theirs")

    def rows():
        files = hub.find("dataset", "user/name").files("main")
        tables = [pq.read_table(blob.path) for path, blob in files.items() if path.endswith(".parquet")]
        return [row for t in tables for row in zip(t["id"].to_pylist(), t["chunk_index"].to_pylist(), strict=True)]

    def theirs():
        repo = hub.find("dataset", "user/theirs")
        return dict(repo.refs), {path: blob.path.read_bytes() for path, blob in repo.files("main").items()}

    check_delivery(publisher(), made, rows, publisher("user/theirs"), theirs)


def test_a_run_is_published_tagged_and_seen_by_readers(hub, publisher, made, complete):
    """One switch at the end: the card names the run's folder, the tag pins the same commit."""
    assert publisher().publish(made.path, made.manifest) == f"{hub.url}/datasets/user/name"
    repo = hub.find("dataset", "user/name")
    assert len(made.manifest.shards) > 3
    assert complete(made)
    (tag,) = (ref.removeprefix("refs/tags/") for ref in repo.refs if ref.startswith("refs/tags/"))
    assert repo.refs[f"refs/tags/{tag}"] == repo.refs["refs/heads/main"]
    assert f"data/{tag}/" in "".join(repo.files("main"))
    assert len(repo.commits) == 3, "one when the repo was created, one with the files, one to switch"
    assert not repo.private


def test_a_finished_publication_sends_nothing_and_asks_little(hub, publisher, made):
    """A rerun makes fewer than ten requests, its check included, and changes nothing."""
    publisher().publish(made.path, made.manifest)
    head, sent, before = dict(hub.find("dataset", "user/name").refs), len(hub.uploads), len(requests(hub))
    again = publisher()
    again.check()
    again.publish(made.path, made.manifest)
    assert hub.find("dataset", "user/name").refs == head
    assert len(hub.uploads) == sent
    asked = requests(hub)[before:]
    assert len(asked) < 10
    assert {method for method, _ in asked} == {"GET"}


def test_a_copy_of_the_repo_verifies(hub, publisher, made, tmp_path):
    """The manifest in the repo names the files where they are there."""
    publisher().publish(made.path, made.manifest)
    download(hub, tmp_path / "copy")
    assert verify(tmp_path / "copy").faults == []


def download(hub, folder):
    """Copy a repo's files into a folder."""
    for path, blob in hub.find("dataset", "user/name").files("main").items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blob.path.read_bytes())


def test_a_copy_with_older_runs_and_smaller_vectors_is_what_the_run_signed(hub, publisher, made, other, tmp_path):
    """The sha256 that the run printed holds for it, whatever the card says by request; other files are found."""
    options: dict[str, Any] = {
        "keep_runs": 2,
        "vectors": ["float16", "int8"],
        "license": ["mit"],
        "pretty_name": "Mine",
    }
    for dataset in (made, other):
        publisher(**options).publish(dataset.path, dataset.manifest)
    copy = tmp_path / "copy"
    download(hub, copy)
    signature = verify(other.path).sha256
    assert verify(copy, expect=signature).faults == []
    assert verify(copy).sha256 != signature
    assert [fault.path for fault in verify(copy, expect=verify(made.path).sha256).faults] == ["manifest.json"]

    for variant in options["vectors"]:
        smaller = min((copy / "data").glob(f"*{other.manifest.run_id}*/{variant}/*.parquet"))
        content, rows = smaller.read_bytes(), pq.read_table(smaller, partitioning=None)
        for tampered in (rows.take([1, 0, *range(2, len(rows))]), rows.slice(1), rows.drop_columns(["url"])):
            pq.write_table(tampered, smaller)
            assert [fault.path for fault in verify(copy).faults] == [smaller.relative_to(copy).as_posix()]
        smaller.unlink()
        assert [fault.problem for fault in verify(copy).faults] == ["the file is missing"]
        smaller.write_bytes(content)

    (older,) = {path.name for path in (copy / "data").iterdir() if made.manifest.run_id in path.name}
    (newer,) = {path.name for path in (copy / "data").iterdir() if other.manifest.run_id in path.name}
    strangers = [f"data/{newer}/int8/x.parquet", f"data/{newer}/x.parquet", f"data/{older[:-1]}x/y.parquet", "data/z"]
    for name in strangers:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).touch()
    assert [fault.path for fault in verify(copy).faults] == sorted(strangers)
    readme = (copy / "README.md").read_text()
    (copy / "README.md").write_text(readme.replace(older, "run-none"))
    assert f"data/{older}/float16/{next((copy / 'data' / older / 'float16').iterdir()).name}" in [
        fault.path for fault in verify(copy).faults
    ]


def test_the_next_run_takes_the_place_of_the_last(hub, publisher, made, other, complete):
    """The old folder goes with the switch, and its tag still holds it whole."""
    publisher().publish(made.path, made.manifest)
    repo = hub.find("dataset", "user/name")
    (old,) = (ref.removeprefix("refs/tags/") for ref in repo.refs if ref.startswith("refs/tags/"))
    publisher().publish(other.path, other.manifest)
    assert complete(other)
    assert not [path for path in repo.files("main") if old in path]
    assert complete(made, revision=old)


def test_as_many_runs_stay_as_were_asked_for(hub, publisher, made, other, third, complete):
    """With keep_runs = 2 the newest two stay on the branch, whatever their names' order."""
    for dataset in (made, other, third):
        publisher(keep_runs=2).publish(dataset.path, dataset.manifest)
    folders = {path.split("/")[1] for path in hub.find("dataset", "user/name").files("main") if "/" in path}
    assert {folder.split("-")[1] for folder in folders} == {other.manifest.run_id, third.manifest.run_id}
    assert complete(third)


def test_a_private_repo_on_a_branch_of_an_organisation(hub, publisher, made, complete):
    """Namespace, visibility and branch are as asked; main stays as it was."""
    publisher("lab/name", private=True, branch="next").publish(made.path, made.manifest)
    repo = hub.find("dataset", "lab/name")
    assert repo.private
    assert complete(made, "lab/name", "next")
    assert list(repo.files("main")) == [".gitattributes"]


def test_the_token_stays_out_of_what_is_published(hub, publisher, made, token):
    """Neither card nor manifest has it."""
    publisher().publish(made.path, made.manifest)
    files = hub.find("dataset", "user/name").files("main")
    assert all(token.encode() not in blob.path.read_bytes() for blob in files.values())
    assert json.loads(files["manifest.json"].path.read_bytes())["run_id"] == made.manifest.run_id


def test_ones_own_text_survives_the_next_run(hub, publisher, made, other, tmp_path):
    """Text from a file, and text edited on the Hub between the marks, stay in the card."""
    mine = tmp_path / "mine.md"
    mine.write_text("## Thanks\n\nTo all of you.")
    publisher(readme=str(mine)).publish(made.path, made.manifest)
    repo = hub.find("dataset", "user/name")
    card = repo.files("main")["README.md"].path.read_bytes()
    assert b"To all of you." in card
    files = repo.files("main") | {"README.md": hub.store.put(card.replace(b"all of you", b"everybody"), large=False)}
    repo.commit_files(files)
    publisher().publish(other.path, other.manifest)
    text = repo.files("main")["README.md"].path.read_text()
    assert "To everybody." in text
    assert other.manifest.run_id in text


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(hub, publisher, made):
    """Nothing is created, and every file is named."""
    lines = list(publisher().preview(made.path, made.manifest))
    assert lines[0] == f"create {hub.url}/datasets/user/name, public"
    assert sum(line.startswith("send data/run-") for line in lines) == len(made.manifest.shards)
    assert not hub.repos
    assert {method for method, _ in requests(hub)} == {"GET"}


def test_progress_is_told_in_bytes(hub, publisher, made):
    """From none to all, never back."""
    told = []
    sender = publisher()
    sender.report = told.append
    sender.publish(made.path, made.manifest)
    size = sum(entry.bytes for entry in made.manifest.shards)
    assert [told[0].done, told[-1].done] == [0, size]
    assert all(event.bytes == size for event in told)
    assert [event.done for event in told] == sorted(event.done for event in told)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_job_publishes_when_it_is_done_and_asks_before_it_begins(hub, small_job, token, tmp_path, complete):
    """A wrong token stops the job before any work; a right one, and the same job ends on the Hub."""
    events = []
    user = hub.users.pop(token)
    with pytest.raises(PublishError, match="does not know this token"):
        run(small_job)
    assert not (tmp_path / "out").exists()
    hub.users[token] = user
    dataset = run(small_job, events.append)
    assert dataset.published == (str(tmp_path / "out"), f"{hub.url}/datasets/user/name")
    assert complete(dataset)
    assert isinstance(events[-1], Publishing)
