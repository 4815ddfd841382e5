"""Flags: the router's command line. Every flag also reads the environment variable of its name."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = "1.9.3"
TEXT = (
    "revision",
    "served-model-name",
    "default-prompt-name",
    "default-prompt",
    "dense-path",
    "hf-api-token",
    "hf-token",
    "huggingface-hub-cache",
    "api-key",
    "otlp-endpoint",
    "cors-allow-origin",
)
NUMBERS = {
    "tokenization-workers": None,
    "max-concurrent-requests": 512,
    "max-batch-tokens": 16384,
    "max-batch-requests": None,
    "max-client-batch-size": 32,
    "payload-limit": 2_000_000,
    "port": 3000,
    "prometheus-port": 9000,
}
NAMES = {
    "hostname": "0.0.0.0",  # noqa: S104 - the router's own default
    "uds-path": "/tmp/text-embeddings-inference-server",  # noqa: S108 (the same)
    "otlp-service-name": "text-embeddings-inference.server",
}
CHOICES = {"dtype": ("float16", "float32"), "pooling": ("cls", "mean", "splade", "last-token")}


def parse(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """Read the flags; an unknown one ends the process with status 2, as the router's own parser does."""
    parser = argparse.ArgumentParser("text-embeddings-router", allow_abbrev=False)
    parser.add_argument("-V", "--version", action="version", version=f"text-embeddings-router {VERSION}")

    def add(name: str, default: object = None, **how: Any) -> None:
        value = environment.get(name.upper().replace("-", "_"), default)
        names = ["-p", "--port"] if name == "port" else [f"--{name}"]
        parser.add_argument(*names, default=value, **how)

    add("model-id", "BAAI/bge-large-en-v1.5")
    for name in TEXT:
        add(name)
    for name, number in NUMBERS.items():
        add(name, number, type=int)
    for name, word in NAMES.items():
        add(name, word)
    for name, choices in CHOICES.items():
        add(name, choices=choices)
    add("auto-truncate", "true", nargs="?", const="true", type=_flag)
    for name in ("json-output", "disable-spans"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args(argv)


def _flag(value: str) -> bool:
    if value not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"invalid value '{value}': true or false")
    return value == "true"
