#!/usr/bin/env bash
# kitoken on a SentencePiece model turns a tab into the unknown token and splits the word after it otherwise.
#
# Versions:  kitoken 0.11.1, sentencepiece 0.2.3. Seen on 2026-11-30.
# Guess:     kitoken reads the .model file, normalization included, so the ids are those of sentencepiece; newlines,
#            no-break spaces and double spaces prove it, they come out alike.
# Behaviour: a tab is left in the text: unknown token, and the next word has no word start. sentencepiece's own
#            normalization (nmt_nfkc, the default of training) makes it a space. Loading raises nothing.
# Seen:      "vector<tab>index": sentencepiece [vector, index], kitoken [vector, <unk>, in, d, e, x] (as ids);
#            "vector<newline>index" is the same in both. For unigram and BPE models.
# So:        tables, TSV and indented code get other tokens, and other counts, than the model was trained with.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  kitoken==0.11.1 sentencepiece==0.2.3
venv/bin/python - <<'PY'
import random


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


import kitoken
import sentencepiece

choose = random.Random(0)
words = "vector index chunk token corpus model table store paper river green stone".split()
with open("corpus.txt", "w") as file:
    for _ in range(500):
        file.write(" ".join(choose.choice(words) for _ in range(12)) + "\n")
for kind in ("unigram", "bpe"):
    sentencepiece.SentencePieceTrainer.train(
        input="corpus.txt", model_prefix=kind, model_type=kind, vocab_size=60, hard_vocab_limit=False, minloglevel=2, num_threads=1
    )
    own = sentencepiece.SentencePieceProcessor(model_file=f"{kind}.model")
    other = kitoken.Kitoken.from_file(f"{kind}.model")
    for name, text in (("space", "vector index"), ("newline", "vector\nindex"), ("no-break space", "vector\u00a0index")):
        expect(f"{kind}, {name}: same ids", list(other.encode(text, False)) == own.encode(text), True)
    expected, seen = own.encode("vector\tindex"), list(other.encode("vector\tindex", False))
    print(f"{kind}, tab: sentencepiece {expected}, kitoken {seen}")
    expect(f"{kind}, tab: sentencepiece takes it for a space", expected, own.encode("vector index"))
    expect(f"{kind}, tab: kitoken has an unknown token", own.unk_id() in seen, True)
PY
