"""The smallest app that has one of everything."""

import os
import subprocess
import time
from pathlib import Path

import modal

LEFT_BEHIND = ["sleep", "86397"]
app = modal.App("tiny")
image = (
    modal.Image.debian_slim().uv_pip_install("numpy").env({"GREETING": "good day"}).add_local_python_source("tinyapp")
)
volume = modal.Volume.from_name("tiny", create_if_missing=True, version=2)
secret = modal.Secret.from_dict({"KEY": "one"})


@app.function(image=image, volumes={"/mnt/tiny": volume}, secrets=[secret], max_containers=2)
def square(x):
    """Write a square to the Volume."""
    time.sleep(0.3)
    Path(f"/mnt/tiny/{x}.txt").write_text(str(x * x), encoding="utf-8")
    volume.commit()
    return x * x, os.environ["KEY"], os.environ["GREETING"], os.environ["MODAL_TASK_ID"]


@app.function(image=image, volumes={"/mnt/tiny": volume})
def listing(*, early):
    """List the Volume, before and after a reload; with a file open a reload is refused."""
    if early:
        with Path("/mnt/tiny/0.txt").open(encoding="utf-8"):
            volume.reload()
    volume.reload()
    return sorted(path.name for path in Path("/mnt/tiny").iterdir())


@app.cls(image=image, gpu=["A10G", "L4"], timeout=600, retries=modal.Retries(max_retries=1, initial_delay=0))
@modal.concurrent(max_inputs=4)
class Adder:
    """Adds to a number, but not three."""

    number: int = modal.parameter()

    @modal.enter()
    def begin(self):
        """Say so."""
        print("enter", self.number)  # noqa: T201

    @modal.exit()
    def end(self):
        """Say so."""
        print("exit", self.number)  # noqa: T201

    @modal.method()
    def add(self, x):
        """Add."""
        if x == 3:
            raise ValueError("three")
        return self.number + x


@app.function(image=image, schedule=modal.Cron("0 3 * * *"), timeout=60, volumes={"/mnt/tiny": volume})
def die_once():
    """Die on the first attempt, as a machine does; what it had started must die with it."""
    mark = Path("/mnt/tiny/died")
    if not mark.exists():
        mark.touch()
        volume.commit()
        subprocess.Popen(LEFT_BEHIND, start_new_session=True)
        os.kill(os.getpid(), 9)
    return "alive"


@app.local_entrypoint()
def main():
    """Call everything."""
    squares = list(square.map(range(4), order_outputs=False, return_exceptions=True))
    print("squares", sorted(found[0] for found in squares), squares[0][1:3])  # noqa: T201
    print("listing", listing.remote(early=False))  # noqa: T201
    try:
        listing.remote(early=True)
    except RuntimeError as error:
        print("refused", error)  # noqa: T201
    adder = Adder(number=100)  # type: ignore[call-arg] # Modal makes it of the parameter
    print("added", list(adder.add.map(range(5), return_exceptions=True)))  # noqa: T201
    print("then", die_once.remote())  # noqa: T201
