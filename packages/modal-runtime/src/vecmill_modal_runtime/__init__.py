"""vecmill on Modal: a Volume, images, a worker class, and a sliding window of shards."""
