"""The files of a model: its settings and its weights, read and hashed here alone, and what the settings state.

Since they are read only here, a run knows which files of a folder decide its vectors.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import mmap
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from vecmill.errors import ModelError
from vecmill.sanitize import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from vecmill.models.folder import ModelFolder

Shape = TypeVar("Shape", dict, list)  # type: ignore[type-arg]  # of whatever JSON holds
_STATED = "tokenizer_config.json"
_reads: ContextVar[dict[Path, str] | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def record_reads() -> Iterator[dict[Path, str]]:
    """Collect the settings that are read inside the block, each with the sha256, in hex, of its content."""
    reads: dict[Path, str] = {}
    token = _reads.set(reads)
    try:
        yield reads
    finally:
        _reads.reset(token)


def read_settings(path: Path, shape: type[Shape]) -> Shape | None:
    """Read a JSON file of a model.

    Args:
        path: The file.
        shape: What it must hold at the top, ``dict`` or ``list``.

    Returns:
        Its content, or ``None`` where there is no such file.

    Raises:
        ModelError: The file is damaged.
    """
    try:
        data = path.read_bytes()
        if (reads := _reads.get()) is not None:
            reads[path] = hashlib.sha256(data).hexdigest()
        content = json.loads(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}: get the model's files again") from error
    if not isinstance(content, shape):
        raise ModelError(
            f"{path} holds a {type(content).__name__}, not a {shape.__name__}: get the model's files again"
        )
    return content


def check_casing(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a model that wants texts in lower case and whose tokenizer leaves capitals.

    Args:
        folder: Where the tokenizer is.
        settings: sentence-transformers' settings of the transformer.

    Raises:
        ModelError: The tokenizer leaves capitals, and the settings ask for lower case.
    """
    if not settings.get("do_lower_case"):
        return
    tokenizer = read_settings(folder / "tokenizer.json", dict) or {}
    if not _lowers(tokenizer.get("normalizer")):
        raise ModelError(
            f"{folder} wants texts in lower case, but its tokenizer.json does not make them so: "
            "add a Lowercase normalizer to it, or name another model"
        )


def _lowers(normalizer: Any) -> bool:  # noqa: ANN401 - it is whatever the file holds
    match normalizer:
        case {"type": "Lowercase"} | {"type": "BertNormalizer", "lowercase": True}:
            return True
        case {"type": "Sequence", "normalizers": list(parts)}:
            return any(map(_lowers, parts))
    return False


_CLASSES = {
    "bert": "BertTokenizer",
    "camembert": "CamembertTokenizer",
    "convbert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "electra": "BertTokenizer",
    "mobilebert": "MobileBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "nomic_bert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}
"""The class of tokenizers that transformers takes for an architecture whose files name none."""

_BERT = {"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
_WORD_PIECE = {
    **dict.fromkeys(
        ("BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"), _BERT
    ),
    "MPNetTokenizer": {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "[UNK]"},
}
_ROBERTA = {"RobertaTokenizer": {"cls_token": "<s>", "sep_token": "</s>"}}
_FAIRSEQ = {"bos_token": "<s>", "eos_token": "</s>"}
_SENTENCE_PIECE = {"CamembertTokenizer": _FAIRSEQ, "XLMRobertaTokenizer": _FAIRSEQ}
_REBUILT = _WORD_PIECE | _ROBERTA | _SENTENCE_PIECE
"""The classes that take the vocabulary alone from tokenizer.json, with the special tokens that they have by default."""

_LONGEST_WORD = 100  # what WordPiece takes where nothing else is said


def check_tokenizer(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse a tokenizer of which transformers makes another one than its ``tokenizer.json`` describes.

    Some of its classes take the vocabulary alone from that file, and the rest from ``tokenizer_config.json``.

    Args:
        folder: Where the tokenizer is.
        config: The transformer's ``config.json``.

    Raises:
        ModelError: The two files contradict each other.
    """
    stated = read_settings(folder / _STATED, dict) or {}
    named = stated.get("tokenizer_class") or config.get("tokenizer_class")
    kind = str(named or _CLASSES.get(str(config.get("model_type")), "")).removesuffix("Fast")
    if not stated and kind not in _REBUILT:
        return
    tokenizer = read_settings(folder / "tokenizer.json", dict) or {}
    if not tokenizer.get("model"):
        return  # which cannot be loaded
    if kind in _REBUILT and tokenizer["model"].get("type") != "WordLevel" and "added_tokens_decoder" not in stated:
        stated = stated | _read_special_tokens(folder)
    for key, wanted, found in _compare_tokenizers(kind, stated, tokenizer, is_named=named is not None):
        if wanted != found:
            raise ModelError(
                f"{folder}: {_STATED} makes it a {kind or 'tokenizer'} with {key} = {wanted!r}, and in tokenizer.json "
                f'it is {found!r}: make the two agree, write "tokenizer_class": "PreTrainedTokenizerFast" into '
                f"{_STATED} if tokenizer.json alone is right, or name another model"
            )


def _read_special_tokens(folder: Path) -> dict[str, Any]:
    """Read what overrules ``tokenizer_config.json`` in older folders.

    It is not recorded: a model that is not refused has the same vectors whatever this file says.
    """
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads((folder / "special_tokens_map.json").read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def _compare_tokenizers(
    kind: str, stated: Mapping[str, Any], tokenizer: Mapping[str, Any], *, is_named: bool
) -> Iterator[tuple[str, Any, Any]]:
    """Yield what decides a text's tokens: its name, what ``tokenizer_config.json`` makes of it, what the file says."""
    model = tokenizer["model"]
    tokens = _REBUILT.get(kind, {}) | {key: _text(value) for key, value in stated.items() if key.endswith("_token")}
    truncation = tokenizer.get("truncation") or {}
    yield (
        "truncation_side",
        str(stated.get("truncation_side") or truncation.get("direction") or "right").lower(),
        "right",
    )
    yield "split_special_tokens", bool(stated.get("split_special_tokens")), False
    yield "special tokens", sorted(_special_tokens(stated) - _added_tokens(tokenizer)), []
    if kind in _WORD_PIECE and (is_named or model.get("type", "WordPiece") == "WordPiece"):
        yield "the kind of model", "WordPiece", model.get("type", "WordPiece")
        yield from _compare_word_piece(stated, tokenizer)
        yield "unk_token", tokens["unk_token"], model.get("unk_token")
    elif kind in _ROBERTA and model.get("type", "BPE") == "BPE":
        found = _find_steps(tokenizer.get("pre_tokenizer"), "pretokenizers", "ByteLevel")
        yield "add_prefix_space", bool(stated.get("add_prefix_space")), bool(found and found[0].get("add_prefix_space"))
    elif kind in _SENTENCE_PIECE and model.get("type", "Unigram") == "Unigram":
        found = _find_steps(tokenizer.get("pre_tokenizer"), "pretokenizers", "Metaspace")
        yield "add_prefix_space", bool(stated.get("add_prefix_space", True)), bool(found and _prepends(found[0]))
    else:
        return
    first, last = (tokens[key] for key in list(_REBUILT[kind])[:2])
    yield "the special tokens around a text", [first, last], _find_ends(tokenizer.get("post_processor"))


def _compare_word_piece(stated: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    model, normalizer = tokenizer["model"], tokenizer.get("normalizer") or {}
    yield "the kind of normalizer", "BertNormalizer", normalizer.get("type")
    yield "the kind of pre-tokenizer", "BertPreTokenizer", (tokenizer.get("pre_tokenizer") or {}).get("type")
    lower, lowers = bool(stated.get("do_lower_case", True)), bool(normalizer.get("lowercase", True))
    yield "do_lower_case", lower, lowers
    strip, strips = stated.get("strip_accents"), normalizer.get("strip_accents")
    yield "strip_accents", lower if strip is None else bool(strip), lowers if strips is None else bool(strips)
    chinese = bool(stated.get("tokenize_chinese_chars", True))
    yield "tokenize_chinese_chars", chinese, bool(normalizer.get("handle_chinese_chars", True))
    yield "clean_text", True, bool(normalizer.get("clean_text", True))
    yield "max_input_chars_per_word", _LONGEST_WORD, model.get("max_input_chars_per_word", _LONGEST_WORD)
    yield "continuing_subword_prefix", "##", model.get("continuing_subword_prefix", "##")


def _text(token: Any) -> Any:  # noqa: ANN401 - it is whatever the file holds
    return token.get("content") if isinstance(token, dict) else token


def _special_tokens(stated: Mapping[str, Any]) -> set[str]:
    """Return the tokens that are never taken apart, as ``tokenizer_config.json`` has them."""
    tokens = [value for key, value in stated.items() if key.endswith("_token") and not key.startswith(("add_", "use_"))]
    for key in ("additional_special_tokens", "extra_special_tokens", "added_tokens_decoder"):
        more = stated.get(key) or ()
        tokens += more.values() if isinstance(more, dict) else more
    return {text for text in map(_text, tokens) if isinstance(text, str)}


def _added_tokens(tokenizer: Mapping[str, Any]) -> set[Any]:
    return {_text(token) for token in tokenizer.get("added_tokens") or ()}


def _find_steps(step: Any, key: str, kind: str) -> list[dict[str, Any]]:  # noqa: ANN401 - (the same)
    """Return the steps of a kind among the normalizers, pre-tokenizers or processors of a tokenizer."""
    step = step or {}
    if step.get("type") == "Sequence":
        return [found for part in step.get(key) or () for found in _find_steps(part, key, kind)]
    return [step] if step.get("type") == kind else []


def _prepends(metaspace: Mapping[str, Any]) -> bool:
    return bool(
        metaspace.get("prepend_scheme", "always" if metaspace.get("add_prefix_space", True) else "never") == "always"
    )


def _find_ends(processor: Any) -> list[str]:  # noqa: ANN401 - (the same)
    """Return the special tokens before and after a text."""
    for kind in ("BertProcessing", "RobertaProcessing"):
        for step in _find_steps(processor, "processors", kind):
            return [step["cls"][0], step["sep"][0]]
    for step in _find_steps(processor, "processors", "TemplateProcessing"):
        return [part["SpecialToken"]["id"] for part in step["single"] if "SpecialToken" in part]
    return []


# These number their tokens from one past the padding token's id.
OFFSET_POSITIONS = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"})

_NO_LIMIT = 10**9  # tokenizers write 10**30 for "none"
_SETTINGS = "sentence_{}_config.json"
_KINDS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")


def sentence_settings(folder: Path) -> dict[str, Any]:
    """Return sentence-transformers' settings of a transformer, under whichever name they are saved."""
    found = (read_settings(folder / _SETTINGS.format(kind), dict) for kind in _KINDS)
    return next((settings for settings in found if settings), {})


def read_max_tokens(folder: Path, config: dict[str, Any]) -> int:
    """Return how many tokens an input may have, special tokens included.

    It is sentence-transformers' ``max_seq_length``, else the tokenizer's ``model_max_length``, and never
    more than the model has positions for.

    Args:
        folder: Where the transformer is.
        config: Its ``config.json``.

    Raises:
        ModelError: None of the files says.
    """
    limits = [*_iterate_stated(folder), *_iterate_positions(config)]
    if not limits:
        raise ModelError(
            f"{folder} does not say how long an input may be: add sentence_bert_config.json with a max_seq_length"
        )
    return min(limits)


def _iterate_stated(folder: Path) -> Iterator[int]:
    tokenizer = read_settings(folder / _STATED, dict) or {}
    stated = sentence_settings(folder).get("max_seq_length") or tokenizer.get("model_max_length")
    if stated and stated < _NO_LIMIT:
        yield int(stated)


def _iterate_positions(config: dict[str, Any]) -> Iterator[int]:
    positions = config.get("max_position_embeddings") or 0
    if config.get("model_type") in OFFSET_POSITIONS:
        positions -= padding_token(config) + 1
    if positions > 0:
        yield int(positions)


def padding_token(config: dict[str, Any]) -> int:
    """Return the id of the token that fills up short inputs; where it is not stated, its family's usual one."""
    usual = 1 if config.get("model_type") in OFFSET_POSITIONS else 0
    stated = config.get("pad_token_id")
    return usual if stated is None else int(stated)


SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARDS = "model-*-of-*.safetensors"
ONNX = ("onnx/model.onnx", "model.onnx")

_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")
"""How an ONNX file writes the key before the name of a file with external data; the name's length is a byte."""

_MEBIBYTE = 1 << 20


def safetensors_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a transformer: one, or the shards its index names, or none.

    Raises:
        ModelError: The index names a file that is not there, or not in the folder.
    """
    if (folder / SAFETENSORS).is_file():
        return [folder / SAFETENSORS]
    index = read_settings(folder / INDEX, dict) or {}
    names = sorted({str(name) for name in dict(index.get("weight_map") or {}).values()})
    if outside := [name for name in names if not is_inside(name)]:
        raise ModelError(f"{folder / INDEX} names {outside[0]!r}, which is not in the model's folder")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} lacks the weights {missing[0]}, which {INDEX} names: get the model's files again")
    return [folder / name for name in names]


def onnx_files(folder: Path) -> list[Path]:
    """Return a model's ONNX file, followed by its external data if it has any; or nothing.

    Raises:
        ModelError: The file names data that is not there, or not in its folder.
    """
    for name in ONNX:
        path = folder / name
        if path.is_file():
            return [path, *sorted({*path.parent.glob(f"{path.name}_data*"), *_external_data(path)})]
    return []


def _external_data(path: Path) -> Iterator[Path]:
    """Yield the files next to an ONNX file that hold its numbers, as it names them."""
    if not path.stat().st_size:  # which cannot be mapped
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = {content[at.end() : at.end() + at[1][0]].decode(errors="replace") for at in _LOCATION.finditer(content)}
    for name in sorted(names):
        if not is_inside(name) or not (path.parent / name).is_file():
            raise ModelError(f"{path} lacks its data {name!r}, or it is not in its folder: get the model's files again")
        yield path.parent / name


def digest(files: Sequence[Path]) -> str:
    """Return ``sha256:…`` over the content of the files, one after the other in the order given."""
    return f"sha256:{_sha256(tuple((path, *_stamp(path)) for path in files))}"


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    return _sha256(((path, *_stamp(path)),))


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


@functools.lru_cache
def _sha256(files: tuple[tuple[Any, ...], ...]) -> str:
    total = hashlib.sha256()
    for path, *_ in files:
        with path.open("rb") as stream:
            while block := stream.read(_MEBIBYTE):
                total.update(block)
    return total.hexdigest()


LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
WIDTH = ("hidden_size", "dim", "d_model")
INNER = ("intermediate_size", "hidden_dim", "d_ff")


def flop_per_token(model: ModelFolder, length: float) -> float:
    """Return the floating-point operations for one token of a text of ``length`` tokens.

    Two for each weight that the token meets, and the attention's products with every other token. Embedding
    tables cost nothing.
    """
    layers, width = _number(model.config, LAYERS), _number(model.config, WIDTH)
    inner = _number(model.config, INNER) or 4 * width
    weights = 4 * width * width + 2 * width * inner
    return float(layers * (2 * weights + 4 * width * length))


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)
