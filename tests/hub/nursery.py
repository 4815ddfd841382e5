"""Publications that can be killed one after the other: imports once, then makes a process for each.

Reads the folder of a dataset from each line of standard input; answers with the process's id, and then with what it
ended with: 0, 1 after an error, or minus the signal's number.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path

from vecmill import open_dataset
from vecmill_publishers.hub.publisher import HubPublisher

for name in ("vecmill_publishers.hub.publish_run", "vecmill_publishers.hub.remote", "hf_xet", "httpx2", "httpcore2"):
    importlib.import_module(name)  # here, so that no child needs to


def main():
    """Publish what is asked for until there is no more."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(_publish(Path(line.strip())))
        print(child, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


def _publish(dataset):
    try:
        publisher = HubPublisher(HubPublisher.Config(repo="user/name"))
        publisher.check()
        publisher.publish(dataset, open_dataset(dataset).manifest)
    except BaseException:  # noqa: BLE001 - what this process ends with is all that counts
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
