"""A stranger's client: reads texts from standard input, and writes their vectors to standard output, as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any


def hub(url: str, texts: list[str]) -> list[list[float]]:
    """Ask as huggingface_hub does, one text at a time."""
    from huggingface_hub import InferenceClient

    client = InferenceClient(model=url)
    return [client.feature_extraction(text)[0].tolist() for text in texts]


def openai(url: str, texts: list[str]) -> list[list[float]]:
    """Ask as OpenAI's client does when nothing is said: for base64."""
    return _openai(url, texts)


def openai_float(url: str, texts: list[str]) -> list[list[float]]:
    """Ask for numbers."""
    return _openai(url, texts, encoding_format="float")


def _openai(url: str, texts: list[str], **options: Any) -> list[list[float]]:
    from openai import OpenAI

    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    answer = client.embeddings.create(model="minilm", input=texts, **options)
    return [entry.embedding for entry in answer.data]


CLIENTS = {"hub": hub, "openai": openai, "openai-float": openai_float}

if __name__ == "__main__":
    _, name, address = sys.argv
    json.dump(CLIENTS[name](address, json.load(sys.stdin)), sys.stdout)
