"""The CPU engine of vecmill: transformer encoders on OpenVINO."""

import sys

# Whoever imports openvino is reported to Google Analytics unless they have opted out, by a forked process that may
# hang and then outlives its parent. Without this module OpenVINO has a stub that does nothing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type] # None is how Python marks it as absent
