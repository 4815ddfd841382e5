"""Run a command against a Hub double, and list what it left there.

python tests/with_hub.py vecmill publish DIR --to hub --set repo=user/name
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from doubles.hub import HubDouble, User

TOKEN = "hf_token"  # noqa: S105 - of a Hub of our own


def main(command: list[str]) -> int:
    """Start a Hub with a user named ``user``, run the command, list the files; return the command's exit code."""
    with tempfile.TemporaryDirectory() as folder, HubDouble(Path(folder)) as hub:
        hub.users[TOKEN] = User("user")
        env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN}
        code = subprocess.run(command, env=env, check=False).returncode
        for (_, repo_id), repo in hub.repos.items():
            for path, blob in repo.files("main").items():
                sys.stdout.write(f"{repo_id}  {blob.size:>12,}  {path}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
