"""Behaviour: what the double does that a healthy router does not."""

from __future__ import annotations

import json
import os
import random
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field

VARIABLE = "TEI_DOUBLE"
TURING = 75
FAULTS = frozenset(
    {
        "busy",  # 429
        "unhealthy",  # 503
        "failed",  # 424
        "too_large",  # 413
        "invalid",  # 422
        "reset",  # the connection is reset before the answer
        "cut",  # the connection ends in the middle of the answer
        "slow",  # the answer takes slow_s
        "die",  # the process ends
        "truncated",  # half of the JSON
        "html",  # a page in place of JSON
        "narrow",  # vectors a number too short
        "missing",  # a vector too few
        "extra",  # a vector too many
    }
)


@dataclass
class Behaviour:
    """Faults by script, by chance and by text; written as JSON into the variable ``TEI_DOUBLE``.

    Attributes:
        vectors: ``model`` computes them; ``random`` takes unit vectors by the hash of the text, for speed.
        script: What befalls the first requests, ``None`` for nothing.
        rates: After that, how probable each fault is.
        seed: Of that chance.
        die_every: The process ends at every so manieth request.
        refuse: A text that contains this is invalid.
        fail: A text that contains this makes the model fail (424), whatever else is in the request.
        nan: A text that contains this gets a vector that is not a number.
        zero: A text that contains this gets a vector of zeros.
        slow_s: How long a slow answer takes, if the behaviour does not change before.
        never_ready: The port never opens.
        no_info: There is no ``/info``, as in servers of another make.
        models: What such a server lists at ``/v1/models``; it refuses a request that names none of them.
        scale: Length of the vectors.
        cuda: Say in the log that the model runs on a GPU.
        built_for: The compute capability times ten that the router is built for; 0 for any, or a processor.
        gpu: The same of the machine's GPU; 0 for none that matters.
    """

    vectors: str = "model"
    script: list[str | None] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    die_every: int = 0
    refuse: str = ""
    fail: str = ""
    nan: str = ""
    zero: str = ""
    slow_s: float = 1.0
    never_ready: bool = False
    no_info: bool = False
    models: list[str] = field(default_factory=list)
    scale: float = 1.0
    cuda: bool = False
    built_for: int = 0
    gpu: int = 0

    def __post_init__(self) -> None:
        unknown = ({*self.script, *self.rates} - {None}) - FAULTS
        if unknown or self.vectors not in {"model", "random"}:
            raise ValueError(f"the double does not know {unknown or self.vectors}")

    @property
    def misfit(self) -> bool:
        """Whether the router is built for other GPUs than the machine's; one for 8.0 or 8.6 runs on those up to 8.9."""
        if not self.built_for or not self.gpu:
            return False
        last = 89 if self.built_for in {80, 86} else self.built_for
        return not self.built_for <= self.gpu <= last

    @property
    def imprecise(self) -> bool:
        """Whether flash attention of the first version computes on a T4, which suffers from precision issues."""
        return self.gpu == TURING and os.environ.get("USE_FLASH_ATTENTION", "True").lower() == "true"

    @classmethod
    def from_environment(cls) -> Behaviour:
        """Read the variable."""
        return cls(**json.loads(os.environ.get(VARIABLE, "{}")))

    def dumps(self) -> str:
        """Write the variable."""
        return json.dumps(asdict(self))

    def become(self, other: Behaviour) -> None:
        """Behave like the other from now on; vectors stay what they are."""
        vars(self).update(vars(other) | {"vectors": self.vectors})


class Chance:
    """Decides what befalls each request.

    By chance it is what befalls its content the first time, the second, and so on: in whichever order requests come,
    the same befalls each.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._met: Counter[int] = Counter()
        self.requests = 0
        self.faults: Counter[str] = Counter()

    def next(self, body: bytes) -> str | None:
        """Return the fault of this request."""
        fault = self._next(body)
        self.requests += 1
        if fault:
            self.faults[fault] += 1
        return fault

    def _next(self, body: bytes) -> str | None:
        behaviour = self._behaviour
        if behaviour.die_every and (self.requests + 1) % behaviour.die_every == 0:
            return "die"
        if self.requests < len(behaviour.script):
            return behaviour.script[self.requests]
        drawn = self._drawn(body)
        for fault, rate in behaviour.rates.items():
            drawn -= rate
            if drawn < 0:
                return fault
        return None

    def _drawn(self, body: bytes) -> float:
        content = zlib.crc32(body)
        self._met[content] += 1
        drawn = random.Random(f"{self._behaviour.seed} {content} {self._met[content]}")  # noqa: S311 - decides about tests
        return drawn.random()
