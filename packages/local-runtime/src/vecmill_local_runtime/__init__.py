"""vecmill on this machine: worker processes, and a CPU embedder on OpenVINO."""
