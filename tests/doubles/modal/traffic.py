"""Traffic: what went between callers and containers for one function, measured where all of it passes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Traffic:
    """Counts and sizes.

    Attributes:
        inputs: Inputs that callers sent, without those they sent again.
        input_bytes: Their size.
        output_bytes: Size of what containers answered.
        most_waiting: The most inputs that ever waited for a container.
        most_unfinished: The most inputs that ever waited or were worked on.
    """

    inputs: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    most_waiting: int = 0
    most_unfinished: int = 0

    def queued(self, waiting: int, unfinished: int) -> None:
        """Note how many there are now."""
        self.most_waiting = max(self.most_waiting, waiting)
        self.most_unfinished = max(self.most_unfinished, unfinished)

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.inputs + other.inputs,
            self.input_bytes + other.input_bytes,
            self.output_bytes + other.output_bytes,
            max(self.most_waiting, other.most_waiting),
            max(self.most_unfinished, other.most_unfinished),
        )
