"""``vecmill verify``: is a dataset what its manifest says?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(directory: Path, *, as_json: bool) -> int:
    """Check a dataset against its manifest, row by row."""
    from vecmill.store.verify import verify

    result = verify(directory)
    if as_json:
        import json

        faults = [{"path": fault.path, "problem": fault.problem} for fault in result.faults]
        click.echo(json.dumps({"ok": result.ok, "run_id": result.manifest.run_id, "faults": faults}, indent=2))
        return int(not result.ok)
    account = result.manifest.account
    for fault in result.faults:
        click.echo(f"FAULT  {fault.path}: {fault.problem}", err=True)
    if result.ok:
        size = f"{account.chunks:,} rows of {account.documents_embedded:,} documents"
        click.echo(f"{directory} is sound: {size} in {len(result.manifest.shards)} shards")
    else:
        click.echo(
            f"{directory} has {len(result.faults)} faults; `vecmill run` with its job does damaged shards again",
            err=True,
        )
    return int(not result.ok)
