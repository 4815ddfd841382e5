"""Every architecture's graph against the model it copies, with random weights."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from parity.tiny_models import save_sentence_model, save_transformer, texts
from vecmill_openvino.embedder import OpenVinoEmbedder

CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "bert-cls": ("Bert", "cls", {}),
    "bert-gelu-new": ("Bert", "mean", {"hidden_act": "gelu_new"}),
    "bert-relu": ("Bert", "mean", {"hidden_act": "relu"}),
    "bert-silu": ("Bert", "mean", {"hidden_act": "silu"}),
    "bert-max": ("Bert", "max", {}),
    "bert-mean-sqrt": ("Bert", "mean_sqrt_len_tokens", {}),
    "bert-weightedmean": ("Bert", "weightedmean", {}),
    "bert-lasttoken": ("Bert", "lasttoken", {}),
    "bert-cls-and-mean": ("Bert", ("cls", "mean"), {}),
    "roberta": ("Roberta", "mean", {"type_vocab_size": 1}),
    "xlm-roberta": ("XLMRoberta", "cls", {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "camembert": ("Camembert", "mean", {"type_vocab_size": 1}),
    "distilbert": ("DistilBert", "mean", {}),
    "mpnet": ("MPNet", "mean", {}),
}


def reference(folder, what):
    """Embed with sentence-transformers, in f32."""
    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    return model.encode(what, convert_to_numpy=True, show_progress_bar=False)


def embed(folder, what, precision="f32"):
    """Embed with ours."""
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=str(folder), precision=precision))
    embedder.open()
    return embedder.embed(what)


def assert_same(mine, theirs, distance=2e-5):
    """Compare direction and size."""
    assert mine.shape == theirs.shape
    cosine = (mine * theirs).sum(1) / np.linalg.norm(mine, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() >= 0.9999
    assert np.abs(mine - theirs).max() <= distance * np.linalg.norm(theirs, axis=1).max()


@pytest.mark.parametrize("case", CASES)
def test_vectors_equal_those_of_sentence_transformers(case, tmp_path):
    """Each architecture and each way of pooling gives the vectors it gives in sentence-transformers."""
    kind, pooling, options = CASES[case]
    save_transformer(tmp_path / "bare", kind, **options)
    save_sentence_model(tmp_path / "model", tmp_path / "bare", pooling)
    what = texts("[PAD]" if "ert" in kind and "R" not in kind else "<pad>")
    assert_same(embed(tmp_path / "model", what), reference(tmp_path / "model", what))


@pytest.mark.parametrize("kind", ["Bert", "MPNet"])
def test_bf16_points_the_same_way(kind, tmp_path):
    """Where the processor has bf16, random weights (harsher than trained ones) keep a cosine of 0.999."""
    from vecmill_openvino.precision import detect_processor

    if not detect_processor().bf16:
        pytest.skip("this processor has no bf16")
    save_transformer(tmp_path / "bare", kind)
    save_sentence_model(tmp_path / "model", tmp_path / "bare", "mean")
    mine, theirs = embed(tmp_path / "model", texts(""), "bf16"), reference(tmp_path / "model", texts(""))
    assert (mine * theirs).sum(1).min() >= 0.999


@pytest.mark.parametrize("normalize", [True, False])
def test_a_dense_layer_and_normalization_are_as_the_model_says(normalize, tmp_path):
    """A Dense module projects with its activation, and only a Normalize module normalizes."""
    save_transformer(tmp_path / "bare", "Bert")
    save_sentence_model(tmp_path / "model", tmp_path / "bare", "mean", dense=24, normalize=normalize)
    mine = embed(tmp_path / "model", texts(""))
    assert mine.shape[1] == 24
    assert_same(mine, reference(tmp_path / "model", texts("")))


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert", "MPNet"])
def test_a_bare_transformer_saved_with_another_head_and_in_shards(kind, tmp_path):
    """Without sentence-transformers' files it is mean pooling, not normalized; heads of other tasks are left out."""
    save_transformer(tmp_path, kind, task="ForMaskedLM", shard_size="60KB")
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 1
    assert_same(embed(tmp_path, texts("")), reference(tmp_path, texts("")))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("dense", [0, 24])
def test_vectors_are_cut_as_the_model_says(dense, normalize, tmp_path):
    """``truncate_dim`` keeps the first numbers. sentence-transformers leaves what is left of a unit vector shorter."""
    save_transformer(tmp_path / "bare", "Bert")
    save_sentence_model(tmp_path / "model", tmp_path / "bare", "mean", dense=dense, normalize=normalize)
    settings = tmp_path / "model/config_sentence_transformers.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"truncate_dim": 16}))
    mine, theirs = embed(tmp_path / "model", texts("")), reference(tmp_path / "model", texts(""))
    if normalize:
        theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    assert mine.shape[1] == 16
    assert_same(mine, theirs)


def test_a_bare_causal_language_model_takes_its_last_token(tmp_path):
    """RobertaForCausalLM is an encoder that runs natively; sentence-transformers goes by the architecture's name."""
    save_transformer(tmp_path, "Roberta", task="ForCausalLM")
    assert_same(embed(tmp_path, texts("")), reference(tmp_path, texts("")))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_weights_are_read_exactly(dtype, tmp_path):
    """Weights stored in 16 bits mean what they mean in torch."""
    save_transformer(tmp_path / "bare", "Bert")
    save_sentence_model(tmp_path / "model", tmp_path / "bare", "mean")
    model = SentenceTransformer(str(tmp_path / "model"), device="cpu", model_kwargs={"dtype": getattr(torch, dtype)})
    model.save(str(tmp_path / "half"), create_model_card=False)
    assert_same(embed(tmp_path / "half", texts("")), reference(tmp_path / "half", texts("")))


@pytest.mark.filterwarnings("default")  # the exporter warns of its own workings
def test_another_architecture_runs_from_its_onnx_file(tmp_path):
    """ModernBERT, which has no graph of ours, gives its vectors from onnx/model.onnx."""
    pytest.importorskip("onnxscript", reason="torch exports ONNX with it")
    import transformers

    save_transformer(
        tmp_path / "bare",
        "ModernBert",
        global_attn_every_n_layers=2,
        local_attention=64,
        cls_token_id=1,
        sep_token_id=2,
    )
    save_sentence_model(tmp_path / "model", tmp_path / "bare", "mean")
    network = transformers.AutoModel.from_pretrained(tmp_path / "bare", attn_implementation="eager").eval()
    (tmp_path / "model/onnx").mkdir()
    export(network, tmp_path / "model/onnx/model.onnx")
    what = [text for text in texts("") if len(text.split()) <= 200]
    assert_same(embed(tmp_path / "model", what), reference(tmp_path / "model", what), distance=1e-4)


class TokenVectors(torch.nn.Module):
    """What a repository's export computes: token vectors from ids and mask."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input_ids, attention_mask):
        """Return token vectors."""
        return self.network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export(network, path):
    """Write ONNX with free batch and length."""
    ids = torch.randint(4, 300, (2, 24))
    mask = torch.ones_like(ids)
    mask[1, 20:] = 0
    free = {"batch": torch.export.Dim("batch", min=1, max=4096), "length": torch.export.Dim("length", min=2, max=256)}
    shape = {0: free["batch"], 1: free["length"]}
    torch.onnx.export(
        TokenVectors(network).eval(),
        (ids, mask),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["last_hidden_state"],
        dynamic_shapes={"input_ids": shape, "attention_mask": shape},
        dynamo=True,
    )
