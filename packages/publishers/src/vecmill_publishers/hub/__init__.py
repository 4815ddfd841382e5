"""The ``hub`` publisher: a dataset repository of the Hugging Face Hub."""

from vecmill_publishers.hub.options import HubOptions
from vecmill_publishers.hub.publisher import HubPublisher

__all__ = ["HubOptions", "HubPublisher"]
