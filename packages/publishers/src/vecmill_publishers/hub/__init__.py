"""The ``hub`` publisher: a dataset repository of the Hugging Face Hub."""

from vecmill_publishers.hub.publisher import HubPublisher

__all__ = ["HubPublisher"]
