"""The ``hub`` publisher: a dataset repository of the Hugging Face Hub."""
