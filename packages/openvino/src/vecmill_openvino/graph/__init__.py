"""Graphs: text encoders as OpenVINO models that take token ids and lengths, and give one vector per text."""
