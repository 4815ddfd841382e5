"""What is refused before anything is sent."""

import pytest
from huggingface_hub import HfApi

from doubles.hub import User
from vecmill.errors import ConfigError, PublishError

pytestmark = [
    pytest.mark.parametrize("way", ["lfs"], indirect=True),
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


def untouched(hub):
    """Whether nothing was written."""
    return {request.method for request in hub.requests} <= {"GET", "HEAD"} and not hub.uploads


@pytest.mark.parametrize("repo", ["", "name", "a/b/c", "user/na me", "user/name.git", "../x", "user/" + "x" * 200])
def test_a_bad_repo_id_is_refused(hub, publisher, repo):
    """It names the option."""
    with pytest.raises(ConfigError, match=r"publisher\.repo"):
        publisher(repo).check()
    assert untouched(hub)


def test_without_a_token_it_says_how_to_get_one(hub, publisher, monkeypatch):
    """HF_TOKEN or the login; nothing is asked of the Hub."""
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(PublishError, match="hf auth login"):
        publisher().check()
    assert not hub.requests


def test_the_login_cache_is_as_good_as_the_variable(hub, publisher, monkeypatch, token, tmp_path):
    """A token that `hf auth login` left in its file."""
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(token)
    publisher().check()
    assert untouched(hub)


def test_a_token_that_nobody_knows_is_refused_and_not_shown(hub, publisher, monkeypatch):
    """The message says what to do, without the token."""
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PublishError, match="does not know this token") as caught:
        publisher().check()
    assert "hf_wrong" not in str(caught.value)
    assert untouched(hub)


@pytest.mark.parametrize(
    ("user", "said"), [(User("user", role="read"), "may not write"), (User("someone", ("else",)), "someone, else")]
)
def test_a_token_that_may_not_write_there_is_refused(hub, publisher, token, user, said):
    """By its role, or by its namespaces, which are named."""
    hub.users[token] = user
    with pytest.raises(PublishError, match=said):
        publisher().check()
    assert untouched(hub)


@pytest.mark.parametrize("files", [{"train.csv": "a,b"}, {"README.md": "---\nlicense: mit\n---\n# My data"}])
def test_a_repo_with_something_else_is_refused_unless_forced(hub, publisher, made, tmp_path, files, complete):
    """Neither check nor publication touches it; with force its other files stay."""
    for name, text in files.items():
        (tmp_path / "there").mkdir(exist_ok=True)
        (tmp_path / "there" / name).write_text(text)
    repo = hub.add("dataset", "user/name", tmp_path / "there")
    with pytest.raises(PublishError, match=next(iter(files))):
        publisher().check()
    with pytest.raises(PublishError, match="force"):
        publisher().publish(made.path, made.manifest)
    assert untouched(hub)
    publisher(force=True).publish(made.path, made.manifest)
    assert complete(made)
    assert set(files) <= set(repo.files("main"))


@pytest.mark.parametrize(
    "path", ["data/run-mine-deadbeef/weights.bin", "data/run-0123456789abcdef-deadbeef/notes.md", "manifest.json"]
)
def test_a_folder_of_somebody_elses_is_none_of_ours_whatever_its_name(hub, publisher, made, other, tmp_path, path):
    """It is refused where no card of ours is; beside one of ours it stays, also when the runs there go."""
    (tmp_path / "there" / path).parent.mkdir(parents=True)
    (tmp_path / "there" / path).write_text("mine")
    repo = hub.add("dataset", "user/name", tmp_path / "there")
    for act in (publisher().check, lambda: publisher().publish(made.path, made.manifest)):
        with pytest.raises(PublishError, match=rf"did not publish \({path}\)"):
            act()
    assert untouched(hub)
    for dataset in (made, other):
        publisher(force=True).publish(dataset.path, dataset.manifest)
        if path != "manifest.json":
            assert repo.files("main")[path].path.read_text() == "mine"


def test_what_somebody_puts_into_the_folder_of_a_run_stays_unless_readers_would_read_it(
    hub, publisher, made, other, tmp_path, complete
):
    """Notes stay, also when the run goes; one more shard goes."""
    publisher().publish(made.path, made.manifest)
    repo, folder = hub.find("dataset", "user/name"), f"data/{made.manifest.published_name}"
    api = HfApi(token="hf_ThisIsASecretToken")  # noqa: S106 - of a Hub of our own
    for path in (f"{folder}/notes.md", f"{folder}/train-00000-of-99999.parquet"):
        api.upload_file(path_or_fileobj=b"mine", path_in_repo=path, repo_id="user/name", repo_type="dataset")
    publisher().publish(made.path, made.manifest)
    assert complete(made)
    publisher().publish(other.path, other.manifest)
    assert complete(other)
    assert [path for path in repo.files("main") if path.startswith(f"{folder}/")] == [f"{folder}/notes.md"]


def test_a_repo_with_only_a_licence_is_free(hub, publisher, made, tmp_path, complete):
    """What the Hub's own form leaves in a new repo is nobody's work."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "README.md").write_text("---\nlicense: mit\n---\n")
    hub.add("dataset", "user/name", tmp_path / "there")
    publisher().check()
    publisher().publish(made.path, made.manifest)
    assert complete(made)


def test_a_public_repo_is_not_taken_for_a_private_one(hub, publisher, made):
    """Asking for private = true in a repo that everybody reads is a misunderstanding."""
    publisher().publish(made.path, made.manifest)
    with pytest.raises(PublishError, match="is public"):
        publisher(private=True).check()


@pytest.mark.fault(
    "publish",
    "the dataset is damaged before it is published",
    promise="It is verified first, and not published.",
)
@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
def test_a_run_that_fails_its_check_is_not_published(hub, publisher, dataset, harm):
    """A missing, short or changed shard: nothing is sent, the repo is not even created."""
    shard = dataset.path / dataset.manifest.shards[1].path
    content = shard.read_bytes()
    shard.unlink()
    if harm != "gone":
        shard.write_bytes(content[:-1] if harm == "cut" else content[:-1] + b"x")
    with pytest.raises(PublishError, match=shard.name):
        publisher().publish(dataset.path, dataset.manifest)
    assert untouched(hub)
    assert not hub.repos


def test_a_run_that_failed_is_not_published(hub, publisher, made):
    """Its manifest says so."""
    with pytest.raises(PublishError, match="failed"):
        publisher().publish(made.path, made.manifest.model_copy(update={"status": "failed"}))
    assert not hub.requests


def test_text_of_ones_own_that_is_not_there_is_found_out_before_the_run(hub, publisher, tmp_path):
    """A configuration error, as early as the check."""
    with pytest.raises(ConfigError, match=r"publisher\.readme"):
        publisher(readme=str(tmp_path / "no.md")).check()
    assert not hub.requests
