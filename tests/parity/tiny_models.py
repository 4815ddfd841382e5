"""Tiny models with random weights, saved by transformers and sentence-transformers themselves."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

if TYPE_CHECKING:
    from pathlib import Path

WORDS = [f"word{number}" for number in range(300)]
BERT_SPECIALS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
POSITIONS = 260


def save_tokenizer(folder: Path, first: str, last: str, pad: str, unknown: str, specials: list[str]) -> int:
    """Save a tokenizer that knows WORDS, and return the size of its vocabulary."""
    vocabulary = {token: number for number, token in enumerate([*specials, *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    ends = [(token, vocabulary[token]) for token in (first, last)]
    tokenizer.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=ends)
    tokenizer.add_special_tokens(specials)
    names = {"pad_token": pad, "unk_token": unknown, "cls_token": first, "sep_token": last}
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=POSITIONS - (pad == "<pad>") * 2, **names
    )
    fast.save_pretrained(folder)
    return len(vocabulary)


def save_transformer(folder: Path, kind: str, task: str = "Model", shard_size: str = "1GB", **options: Any) -> None:
    """Save a transformer of a kind (``Bert``, ``XLMRoberta``) with random weights, and its tokenizer."""
    if kind in {"Bert", "DistilBert", "ModernBert"}:
        size = save_tokenizer(folder, "[CLS]", "[SEP]", "[PAD]", "[UNK]", BERT_SPECIALS)
    else:
        size = save_tokenizer(folder, "<s>", "</s>", "<pad>", "<unk>", ROBERTA_SPECIALS)
    shape = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}
    if kind == "DistilBert":
        shape = {"dim": 64, "n_layers": 3, "n_heads": 4, "hidden_dim": 96}
    padding = 0 if kind in {"Bert", "DistilBert", "ModernBert"} else 1
    settings = {"vocab_size": size, "pad_token_id": padding, "max_position_embeddings": POSITIONS}
    config = getattr(transformers, f"{kind}Config")(**{**shape, **settings, "initializer_range": 0.15, **options})
    torch.manual_seed(11)
    model = getattr(transformers, f"{kind}{task}")(config)
    with torch.no_grad():  # initial biases are zero and norms one: a mistake there would not show
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif "relative" in name:
                parameter.mul_(10)
    model.save_pretrained(folder, max_shard_size=shard_size)


def save_sentence_model(
    folder: Path, transformer: Path, pooling: Any, dense: int = 0, *, normalize: bool = True
) -> None:
    """Save a sentence-transformers model around a transformer."""
    modules: list[Any] = [Transformer(str(transformer))]
    width = modules[0].get_embedding_dimension()
    modules.append(Pooling(width, pooling_mode=pooling))
    if dense:
        torch.manual_seed(12)
        modules.append(Dense(modules[-1].get_embedding_dimension(), dense))
    if normalize:
        modules.append(Normalize())
    SentenceTransformer(modules=modules, device="cpu").save(str(folder), create_model_card=False)


def texts(extra: str) -> list[str]:
    """Return texts of every kind of length, and one that spells ``extra`` out."""
    draw = random.Random(3)  # noqa: S311 - not for secrets
    lengths = [0, 1, 2, 3, 7, 8, 9, 30, 31, 64, 130, 200, 255, 256, 257, 258, 259, 300, 600]
    made = [" ".join(draw.choices(WORDS, k=length)) for length in lengths]
    return [*made, f"word1 {extra} word2 word3", "nothing known here word5"]
