"""vecmill on this machine: worker processes."""
