"""The ``hub`` publisher: a dataset repository of the Hugging Face Hub."""

from vecmill_publishers.hub.publisher import HubOptions, HubPublisher

__all__ = ["HubOptions", "HubPublisher"]
