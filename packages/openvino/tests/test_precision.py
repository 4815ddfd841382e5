"""resolve_precision and detect_processor: what this machine computes in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vecmill.errors import ConfigError
from vecmill_openvino import precision
from vecmill_openvino.precision import Processor, compute_type, resolve_precision

WITHOUT = Processor("Old Processor", bf16=False, features=("avx2",))
WITH = Processor("New Processor", bf16=True, features=("avx2", "avx512_bf16"))
WITH_INT8 = Processor("Middling Processor", bf16=False, features=("avx2", "avx512_vnni"))
WITH_BOTH = Processor("New Processor", bf16=True, features=("avx512_bf16", "avx512_vnni"))


@pytest.mark.parametrize(("found", "expected"), [(WITH, "bf16"), (WITHOUT, "f32")])
def test_auto_is_bf16_where_the_processor_has_it(found, expected, monkeypatch):
    """Where it does not, it is f32 and not an emulation."""
    monkeypatch.setattr(precision, "detect_processor", lambda: found)
    assert resolve_precision("auto") == expected
    assert resolve_precision("f32") == "f32"


def test_bf16_without_the_instructions_is_refused_with_the_processors_name(monkeypatch):
    """It would be slower than f32 and less exact."""
    monkeypatch.setattr(precision, "detect_processor", lambda: WITHOUT)
    with pytest.raises(ConfigError, match=r"Old Processor.*take 'auto' or 'f32'"):
        resolve_precision("bf16")


def test_int8_without_the_instructions_is_refused_with_the_processors_name(monkeypatch):
    """Emulated, it would only be less exact."""
    monkeypatch.setattr(precision, "detect_processor", lambda: WITHOUT)
    with pytest.raises(ConfigError, match=r"Old Processor.*take 'auto' or 'f32'.*avx512_vnni"):
        resolve_precision("int8")


@pytest.mark.parametrize(("found", "rest"), [(WITH_INT8, "f32"), (WITH_BOTH, "bf16")])
def test_what_is_not_in_int8_is_in_the_best_that_there_is(found, rest, monkeypatch):
    """A processor may have one and not the other."""
    monkeypatch.setattr(precision, "detect_processor", lambda: found)
    assert resolve_precision("int8") == "int8"
    assert compute_type("int8") == rest
    assert compute_type("f32") == "f32"


def test_what_the_processor_says_and_what_is_reported_agree():
    """bf16 exactly where the system lists one of its instruction sets."""
    found = precision.detect_processor()
    if not found.features:
        pytest.skip("this system does not list instruction sets")
    assert found.bf16 == bool({"avx512_bf16", "amx_bf16"} & set(found.features))
    assert found.name


def test_asking_for_f32_does_not_load_the_engine():
    """The command line stays quick."""
    code = """
import sys
from vecmill_openvino.precision import resolve_precision
resolve_precision("f32")
sys.exit("openvino" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
