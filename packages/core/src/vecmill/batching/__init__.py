"""Which chunks are embedded together."""
