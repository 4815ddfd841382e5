"""Export the encoder of the model in a folder to ``onnx/model.onnx`` there."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import AutoModel

NAMES = ["input_ids", "attention_mask", "token_type_ids"]


class Encoder(torch.nn.Module):
    """The transformer, with its inputs by place."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """Return the token vectors."""
        return self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state


def main() -> None:
    """Export with free batch and length."""
    folder = Path(sys.argv[1])
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    example = torch.ones(2, 7, dtype=torch.int64)
    axes = {name: {0: "batch", 1: "length"} for name in [*NAMES, "last_hidden_state"]}
    torch.onnx.export(
        Encoder(model),
        (example, example, example * 0),
        str(folder / "onnx" / "model.onnx"),
        input_names=NAMES,
        output_names=["last_hidden_state"],
        dynamic_axes=axes,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
