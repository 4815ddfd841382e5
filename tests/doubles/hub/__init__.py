"""A stand-in for the Hugging Face Hub: a real HTTP server that real clients talk to.

with HubDouble(tmp_path / "hub") as hub:
    hub.add("dataset", "user/name", folder)
    ...  # a client started with HF_ENDPOINT=hub.url
"""

from doubles.hub.disturbance import DROPPED, Disturbance
from doubles.hub.double import HubDouble
from doubles.hub.repo import Repo
from doubles.hub.request import Request
from doubles.hub.user import User

__all__ = ["DROPPED", "Disturbance", "HubDouble", "Repo", "Request", "User"]
