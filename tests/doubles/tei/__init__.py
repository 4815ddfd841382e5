"""A stand-in for ``text-embeddings-router`` 1.9.3: its flags, its limits, its errors, and real vectors.

with RouterDouble(MODEL) as router:
    ...  # any client, at router.url

``install`` writes it as an executable of that name, for whoever starts a router by its command.
"""

from doubles.tei.behaviour import Behaviour
from doubles.tei.process import COMMAND, MODEL, RouterDouble, install

__all__ = ["COMMAND", "MODEL", "Behaviour", "RouterDouble", "install"]
