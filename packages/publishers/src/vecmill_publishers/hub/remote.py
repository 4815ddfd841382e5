"""Remote: a repository of the Hub, and the few things that are done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token, hf_hub_url
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import get_session, hf_raise_for_status  # type: ignore[attr-defined]

from vecmill.errors import PublishError
from vecmill_publishers.hub.preflight import check_repo_id
from vecmill_publishers.hub.retry import retry_call, translate_errors
from vecmill_publishers.hub.uploads import hide_progress_bars, make_operation, split_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from vecmill_publishers.hub.uploads import Upload

KIND = "dataset"


class Head(NamedTuple):
    """The last commit of a branch; ``sha`` is empty if there is no such branch yet."""

    sha: str
    private: bool


class Stored(NamedTuple):
    """A file as the repo has it: its size, its sha256 if it is a large file, and its git id."""

    size: int
    sha256: str | None
    oid: str


class Remote:
    """A dataset repository and one of its branches. Calls that fail for a short time are made again.

    Attributes:
        id: ``user/name``.
        branch: The branch that readers read.
    """

    def __init__(self, repo: str, branch: str) -> None:
        """Find the token; nothing is sent yet.

        Raises:
            ConfigError: That is no repo id.
            PublishError: There is no token.
        """
        self.id, self.branch = check_repo_id(repo), branch
        try:
            token = get_token()
        except OSError as error:
            raise PublishError(
                f"the login that publishing to {repo} needs cannot be read ({error}): set HF_HOME to a folder of "
                "yours, or HF_TOKEN"
            ) from error
        if not token:
            raise PublishError(f"publishing to {repo} needs a token: log in with `hf auth login`, or set HF_TOKEN")
        self._token = token
        self._api = HfApi(token=token, library_name="vecmill")

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"{self._api.endpoint}/datasets/{self.id}"

    def translate_errors(self) -> AbstractContextManager[None]:
        """Turn the client's errors into ours."""
        return translate_errors(self.id, self._token)

    def whoami(self) -> dict[str, Any]:
        """Describe the user of the token."""
        return retry_call(self._api.whoami)

    def read_head(self) -> Head | None:
        """Return the branch's last commit; ``None`` if there is no such repo or branch."""
        try:
            info = retry_call(lambda: self._api.dataset_info(self.id, revision=self.branch))
        except RevisionNotFoundError:
            return Head("", private=False)
        except RepositoryNotFoundError:
            return None
        return Head(str(info.sha), private=bool(info.private))

    def prepare(self, head: Head | None, *, private: bool) -> None:
        """Create the repo and the branch, if they are not there by now."""
        # A conflict (409) need not mean that a thing is there, as the client's exist_ok takes it to.
        if head is None:
            head = retry_call(lambda: self._create(private=private), self.read_head)
        if head is None or not head.sha:
            retry_call(self._create_branch, lambda: None if self._is_bare() else self.branch)

    def list_files(self, sha: str) -> dict[str, Stored]:
        """Return the files of a commit, by path."""
        found: dict[str, Stored] = {}
        for entry in self._api.list_repo_tree(self.id, recursive=True, revision=sha, repo_type=KIND):
            if isinstance(entry, RepoFile):
                found[entry.path] = Stored(entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)
        return found

    def read(self, sha: str, path: str) -> bytes:
        """Return the content of a small file."""
        url = hf_hub_url(self.id, path, repo_type=KIND, revision=sha, endpoint=self._api.endpoint)

        def get() -> bytes:
            answer = get_session().get(url, headers={"Authorization": f"Bearer {self._token}"}, follow_redirects=True)
            hf_raise_for_status(answer)
            return bytes(answer.content)

        return retry_call(get)

    def send(self, uploads: Iterable[Upload], report_sent: Callable[[int], None]) -> list[CommitOperationAdd]:
        """Send the bytes of files; they show in the repo when what is returned is committed.

        Args:
            uploads: What to send; those that were sent before are not sent again.
            report_sent: Called with the number of bytes that were sent, after each group.
        """
        operations: list[CommitOperationAdd] = []
        with hide_progress_bars():
            for group in split_groups(uploads):
                made = [make_operation(upload) for upload in group]
                self._api.preupload_lfs_files(self.id, made, repo_type=KIND, revision=self.branch, free_memory=False)
                operations += made
                report_sent(sum(each.upload_info.size for each in operations))
        return operations

    def commit_files(
        self, operations: list[CommitOperationAdd], message: str, is_committed: Callable[[], bool]
    ) -> None:
        """Commit what was sent; nothing else in the repo changes, whatever others do meanwhile."""
        retry_call(lambda: self._commit(operations, message, None), lambda: "" if is_committed() else None)

    def commit_change(self, texts: Mapping[str, bytes], gone: Iterable[str], message: str, parent: str) -> str:
        """Commit small files, and remove others and folders (``…/``), on top of ``parent`` alone. Not tried again."""
        operations = [CommitOperationAdd(path, data) for path, data in texts.items()]
        return self._commit([*operations, *map(CommitOperationDelete, gone)], message, parent)

    def list_tags(self) -> set[str]:
        """Return the names of all tags."""
        return {ref.name for ref in retry_call(lambda: self._api.list_repo_refs(self.id, repo_type=KIND)).tags}

    def tag(self, name: str, sha: str) -> None:
        """Tag a commit, if there is no such tag by now."""

        def act() -> str:
            self._api.create_tag(self.id, tag=name, revision=sha, repo_type=KIND)
            return name

        retry_call(act, lambda: name if name in self.list_tags() else None)

    def _create(self, *, private: bool) -> Head | None:
        self._api.create_repo(self.id, repo_type=KIND, private=private)
        return self.read_head()

    def _create_branch(self) -> str:
        self._api.create_branch(self.id, branch=self.branch, repo_type=KIND)
        return self.branch

    def _is_bare(self) -> bool:
        head = self.read_head()
        return head is None or not head.sha

    def _commit(self, operations: list[Any], message: str, parent: str | None) -> str:
        with hide_progress_bars():
            made = self._api.create_commit(
                self.id, operations, commit_message=message, repo_type=KIND, revision=self.branch, parent_commit=parent
            )
        return made.oid
