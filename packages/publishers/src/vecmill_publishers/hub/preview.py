"""Preview: what a publication would do, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill_publishers.hub.cover import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill_publishers.hub.publication import Publication

MEGA = 1e6


def preview(publication: Publication) -> Iterator[str]:
    """Yield a line for each thing that would be done; the repo is read and not changed."""
    remote, options = publication.remote, publication.options
    with remote.understood():
        state = publication.look()
        if state.head is None:
            yield f"create {remote.url}, {'private' if options.private else 'public'}"
        elif not state.sha:
            yield f"create the branch {remote.branch} of {remote.url}"
        missing = publication.missing(state)
        for upload in missing:
            how = "commit what a worker sent:" if publication.shipments.settled(upload) else "send"
            yield f"{how} {upload.path}, {upload.bytes / MEGA:,.1f} MB"
        if kept := len(publication.uploads) - len(missing):
            yield f"{kept} of {len(publication.uploads)} files are there already"
        old = sorted(runs(state.files) - {publication.name})
        yield f"switch README.md and manifest.json of {remote.branch} to {publication.name}"
        yield from (f"remove data/{run}, if it is not among the newest {options.keep_runs}" for run in old)
        yield f"tag {publication.name}"
