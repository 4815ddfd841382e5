"""What can go wrong on the way to the Hub: readers never see it, and publishing again finishes.

Every test publishes over an older run, so that there is something to lose.
"""

import itertools

import pytest

from doubles.hub import DROPPED, Disturbance, User
from small_dataset import small_dataset
from vecmill.errors import PublishError

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

LIMITED = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}
ENDPOINTS = {
    "look": ("GET", r"/revision/main$"),
    "tree": ("GET", r"/tree/"),
    "card": ("GET", r"/resolve/.*README"),
    "preupload": ("POST", r"/preupload/"),
    "batch": ("POST", r"/objects/batch$"),
    "put": ("PUT", r"^/upload/"),
    "complete": ("POST", r"^/complete$"),
    "verify": ("POST", r"/lfs/verify$"),
    "validate": ("POST", r"/validate-yaml$"),
    "commit": ("POST", r"/commit/"),
    "refs": ("GET", r"/refs$"),
    "tag": ("POST", r"/tag/"),
}
WRITING = {"POST", "PUT"}
FOR_LFS = {"batch", "put", "complete", "verify"}
"""With the Xet client these are its own affair, and so are its retries."""
BAD_GATEWAY = "<html>Bad gateway</html>"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Two datasets of a shard or two, each too large for one part."""
    return [small_dataset(tmp_path_factory.mktemp(name), 6, name) for name in ("old", "new")]


@pytest.fixture
def published(hub, publisher, made, naps):
    """The Hub, with an older run in the repo."""
    publisher().publish(made.path, made.manifest)
    naps.clear()
    return hub


@pytest.mark.fault(
    "publish",
    "the Hub is busy (429, 5xx)",
    promise="vecmill waits as long as the Hub asks.",
)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_busy_hub_is_waited_for(published, publisher, other, complete, naps, way, endpoint):  # noqa: PLR0913, PLR0917 - a table
    """429, 5xx and a dropped connection, one after the other at one endpoint: the publication goes through."""
    if way == "xet" and endpoint in FOR_LFS:
        pytest.skip("not on the way")
    method, path = ENDPOINTS[endpoint]
    published.disturbances = [
        Disturbance(method, path, 429, headers=LIMITED),
        Disturbance(method, path, 503, headers={"Retry-After": "7"}),
        Disturbance(method, path, 502, message=BAD_GATEWAY),
        Disturbance(method, path, DROPPED),
    ]
    publisher().publish(other.path, other.manifest)
    assert all(disturbance.happened for disturbance in published.disturbances)
    assert {56.0, 8.0} <= set(naps), "it waits as long as it is told"
    assert complete(other)


STATUSES = (400, 403, 404, 409, 412, 429, 500, DROPPED)


@pytest.mark.fault(
    "publish",
    "any error at any request",
    promise="Readers see the complete old dataset or the complete new one; the same command continues.",
)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_any_answer_anywhere_leaves_a_whole_dataset_and_a_way_on(hub, publisher, tiny, complete, naps, token, endpoint):  # noqa: PLR0913, PLR0917 - a table
    """Each status at each endpoint, in place of the answer or after the deed: done, or one message and no harm."""
    method, path = ENDPOINTS[endpoint]
    hub.part_size = 2_000
    old, new = tiny
    publisher().publish(old.path, old.manifest)
    repo = hub.find("dataset", "user/name")
    refs = dict(repo.refs)
    for status, after in itertools.product(STATUSES, (False, True) if method in WRITING else (False,)):
        repo.refs = dict(refs)
        for entry in new.manifest.shards:
            hub.store.find(entry.sha256).unlink(missing_ok=True)
        hub.disturbances = [Disturbance(method, path, status, after=after, headers=LIMITED if status == 429 else {})]
        try:
            publisher().publish(new.path, new.manifest)
        except PublishError as error:
            said = str(error)
            assert complete(old) or complete(new)
            publisher().publish(new.path, new.manifest)
        else:
            said = "user/name"
        assert "user/name" in said
        assert token not in said
        assert hub.disturbances[0].happened, f"nobody asked for {path}"
        assert complete(new)
        assert sum(ref.startswith(f"refs/tags/run-{new.manifest.run_id}") for ref in repo.refs) == 1


@pytest.mark.parametrize("path", ["/whoami-v2$", "/repos/create$", "/branch/", r"/revision/next$"])
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_any_answer_before_there_is_a_repo_leaves_a_way_on(hub, publisher, tiny, complete, naps, path):
    """The same while repo and branch are created: the second try publishes at the latest."""
    _, new = tiny
    method = "POST" if path in {"/repos/create$", "/branch/"} else "GET"
    for status, after in itertools.product(STATUSES, (False, True) if method in WRITING else (False,)):
        hub.repos.clear()
        hub.disturbances = [Disturbance(method, path, status, after=after, headers=LIMITED if status == 429 else {})]
        for _ in range(2):
            try:
                sender = publisher(branch="next")
                sender.check()
                sender.publish(new.path, new.manifest)
            except PublishError:
                continue
        assert hub.disturbances[0].happened
        assert complete(new, revision="next")


@pytest.mark.fault(
    "publish",
    "the answer to a commit is lost",
    promise="The commit is made once.",
)
@pytest.mark.parametrize("status", [409, 412, 429, 500, 503, 504, DROPPED])
@pytest.mark.parametrize("skip", [0, 1], ids=["files", "switch"])
@pytest.mark.parametrize("after", [False, True], ids=["refused", "answer lost"])
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_commit_is_made_once_whatever_is_heard_of_it(  # noqa: PLR0913, PLR0917 - a table
    published, publisher, other, complete, naps, status, skip, after
):
    """A refused commit is tried again; one that was made though its answer was lost is seen, and not made twice."""
    published.disturbances = [Disturbance("POST", "/commit/", status, skip=skip, after=after)]
    repo = published.find("dataset", "user/name")
    before = len(repo.commits)
    publisher().publish(other.path, other.manifest)
    assert complete(other)
    assert len(repo.commits) == before + 2
    assert naps


@pytest.mark.fault(
    "publish",
    "the Hub stays down",
    promise="The publication ends with one message; the next try sends only what is missing.",
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/commit/"), ("POST", "/tag/"), ("GET", "/refs")])
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_hub_that_stays_down_is_given_up_and_the_next_try_goes_on(  # noqa: PLR0913, PLR0917 - a table
    published, publisher, made, other, complete, method, path
):
    """One message, readers see one of both runs whole, and nothing is sent a second time."""
    published.disturbances = [Disturbance(method, path, 503, times=1000)]
    with pytest.raises(PublishError, match="publish again to go on"):
        publisher().publish(other.path, other.manifest)
    assert complete(made) or complete(other)
    published.disturbances, sent = [], len(published.uploads)
    publisher().publish(other.path, other.manifest)
    assert complete(other)
    assert len(published.uploads) == sent


@pytest.mark.fault(
    "publish",
    "somebody else commits meanwhile",
    promise="Their commit stays.",
)
def test_somebody_elses_commit_in_between_is_kept(published, publisher, other, complete):
    """The repo changes just before the switch: 412, the branch is read anew, and both changes are there."""
    repo = published.find("dataset", "user/name")

    def meddle():
        notes = published.store.put(b"mine", large=False)
        repo.commit_files(repo.files("main") | {"notes.txt": notes})

    published.disturbances = [Disturbance("POST", "/commit/", skip=1, act=meddle)]
    publisher().publish(other.path, other.manifest)
    assert complete(other)
    assert "notes.txt" in repo.files("main")


@pytest.mark.fault(
    "publish",
    "somebody removes files meanwhile",
    promise="vecmill notices it before readers see the new dataset.",
)
def test_files_that_somebody_removed_in_between_are_missed(published, publisher, made, other, complete):
    """A shard is gone before the switch: readers keep the old run, and publishing again sends it once more."""
    repo = published.find("dataset", "user/name")

    def meddle():
        files = repo.files("main")
        gone = next(path for path in files if path.startswith(f"data/run-{other.manifest.run_id}"))
        repo.commit_files({path: blob for path, blob in files.items() if path != gone})

    published.disturbances = [Disturbance("POST", "/commit/", skip=1, act=meddle)]
    with pytest.raises(PublishError, match="are not in user/name as they were sent"):
        publisher().publish(other.path, other.manifest)
    assert complete(made)
    publisher().publish(other.path, other.manifest)
    assert complete(other)


def test_a_file_that_does_not_belong_is_removed_by_the_switch(published, publisher, other, complete):
    """What somebody put into the run's folder would be read with it."""
    repo = published.find("dataset", "user/name")

    def meddle():
        files = repo.files("main")
        place = next(path for path in files if path.startswith(f"data/run-{other.manifest.run_id}"))
        repo.commit_files(
            files | {f"{place.rpartition('/')[0]}/train-9.parquet": published.store.put(b"x", large=True)}
        )

    published.disturbances = [Disturbance("POST", "/commit/", skip=1, act=meddle)]
    publisher().publish(other.path, other.manifest)
    assert complete(other)


@pytest.mark.fault(
    "publish",
    "the account has no space left",
    promise="The message quotes the Hub; readers keep the old dataset, and the same command continues later.",
)
def test_no_space_left_is_said_in_the_hubs_words(published, publisher, made, other, complete):
    """One message with the Hub's reason; readers see the old run; with more space, it goes through."""
    published.quota = 0
    with pytest.raises(PublishError, match=r"(?i)storage limit|quota|403"):
        publisher().publish(other.path, other.manifest)
    assert complete(made)
    published.quota = None
    publisher().publish(other.path, other.manifest)
    assert complete(other)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_licence_that_the_hub_does_not_know_is_said_and_changed_without_sending_again(
    published, publisher, made, other, complete
):
    """The Hub's words at the switch; readers see the old run; with another word, no byte is sent."""
    with pytest.raises(PublishError, match="license: 'mine alone'"):
        publisher(license="mine alone").publish(other.path, other.manifest)
    assert complete(made)
    sent = len(published.uploads)
    publisher(license="cc-by-4.0").publish(other.path, other.manifest)
    assert complete(other)
    assert len(published.uploads) == sent


@pytest.mark.fault(
    "publish",
    "the token may no longer write",
    promise="One message; readers keep the old dataset.",
)
def test_a_token_that_may_no_longer_write_ends_with_one_message(published, publisher, made, other, complete, token):
    """Rights that are taken away between check and publication: the Hub's words, and no token in them."""
    published.users[token] = User("user", role="read")
    with pytest.raises(PublishError, match="rights to write") as caught:
        publisher().publish(other.path, other.manifest)
    assert complete(made)
    error: BaseException | None = caught.value
    while error is not None:
        assert token not in str(error)
        error = error.__cause__


@pytest.mark.fault(
    "publish",
    "two publish at once",
    promise="In the end the repo has one complete run.",
)
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_two_who_publish_at_once_leave_one_whole_run(published, publisher, other, third, complete):
    """Another publication finishes between ours and its switch: the last one wins, whole."""
    switch = Disturbance("POST", "/commit/", skip=1, act=lambda: publisher().publish(third.path, third.manifest))
    published.disturbances = [switch]
    with pytest.raises(PublishError) as caught:
        publisher().publish(other.path, other.manifest)
    assert "as they were sent" in str(caught.value)
    assert complete(third)
    publisher().publish(other.path, other.manifest)
    assert complete(other)


def test_pauses_grow_and_follow_what_the_hub_says():
    """Without a word of the Hub: longer and longer, to a minute. With one: what it says."""
    from vecmill_publishers.hub.retry import LONGEST_SECONDS, retry_delay

    lengths = [retry_delay({}, attempt) for attempt in range(12)]
    assert all(later > earlier for earlier, later in itertools.pairwise(lengths[:6]))
    assert max(lengths) <= LONGEST_SECONDS * 1.25
    assert retry_delay(LIMITED, 0) == 56.0
    assert retry_delay({"retry-after": "7"}, 0) == 8.0


@pytest.mark.parametrize("path", ["/whoami-v2$", "/repos/create$", "/branch/"])
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_repo_is_created_once_whatever_is_heard_of_it(hub, publisher, made, complete, naps, path):
    """Busy, silent, or done without an answer: repo and branch are there in the end, and whole."""
    method = "GET" if "whoami" in path else "POST"
    hub.disturbances = [
        Disturbance(method, path, 429, headers=LIMITED),
        Disturbance(method, path, 503),
        Disturbance(method, path, DROPPED),
        Disturbance(method, path, 500, after=True),
    ]
    first = publisher(branch="next")
    first.check()
    first.publish(made.path, made.manifest)
    assert all(disturbance.happened for disturbance in hub.disturbances)
    assert complete(made, revision="next")
    assert 56.0 in naps


@pytest.mark.parametrize("way", ["xet"], indirect=True)
def test_a_refused_xet_token_ends_with_one_message(published, publisher, made, other, complete, token):
    """What the Xet client says of it, without the token."""
    published.disturbances = [Disturbance("GET", "/xet-write-token/", 403, times=100, message="no")]
    with pytest.raises(PublishError, match="user/name") as caught:
        publisher().publish(other.path, other.manifest)
    assert token not in str(caught.value)
    assert complete(made)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["xet"], indirect=True)
def test_a_busy_hub_is_waited_for_by_the_xet_client_too(published, publisher, other, complete):
    """Its token is refused for a moment, and it asks again."""
    published.disturbances = [Disturbance("GET", "/xet-write-token/", 503)]
    publisher().publish(other.path, other.manifest)
    assert complete(other)
