"""Where to cut a document."""
