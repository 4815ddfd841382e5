#!/usr/bin/env bash
# model2vec drops the end of a text that has far fewer tokens than max_length, if the tokens are long.
#
# Versions:  model2vec 0.10.0, tokenizers 0.23.3. Seen on 2026-11-30.
# Guess:     encode(max_length=512) cuts after 512 tokens; a text of 110 tokens is embedded whole.
# Behaviour: the text is first cut at 512 x m characters, m being the median length of the vocabulary's tokens. Where
#            the text's tokens are longer than that median (long words, code names, a vocabulary of many short
#            pieces), the end is lost. The mean of what is left is returned as the text's vector, without a word.
#            max_length=None cuts nothing.
# Seen:      median 3, text of 100 long words and then 10 times "b": share of "b" in the vector 0 of 0.09.
# So:        the limit depends on the vocabulary; pass max_length=None and cut by tokens yourself.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  model2vec==0.10.0 tokenizers==0.23.3 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, pre_tokenizers


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


words = ["[UNK]", "[PAD]", "b", "internationalization"] + [f"w{i}" for i in range(10, 60)]
tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
model = StaticModel(np.eye(len(words), dtype="float32"), tokenizer, normalize=False)


def share(text, **options):
    return round(float(model.encode([text], **options)[0][2]), 4)


text = " ".join(["internationalization"] * 100 + ["b"] * 10)
expect("tokens of the text", len(model.tokenize([text])[0]), 110)
expect("share of b, max_length=None", share(text, max_length=None), 0.0909)
expect("share of b, max_length=512", share(text, max_length=512), 0.0)
expect("share of b, default", share(text), 0.0)
short = " ".join(["internationalization"] * 50 + ["b"] * 5)
expect("half as many tokens, share of b", share(short), 0.0909)
PY
