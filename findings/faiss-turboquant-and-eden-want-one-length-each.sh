#!/usr/bin/env bash
# faiss's new data-free quantizers fit one vector length each: EDEN spoils unit vectors, TurboQuant spoils all others.
#
# Versions:  faiss-cpu 1.15.1. Seen on 2026-11-30.
# Guess:     IndexScalarQuantizer.train() fits the quantizer to the data's scale, as it does for QT_4bit; at least
#            unit vectors, what embedding models give, are what a quantizer of 4 bits is made for.
# Behaviour: train() learns nothing for QT_*bit_eden and QT_*bit_tqmse. EDEN's codes expect components of variance 1
#            (length about sqrt(d)), TurboQuant's expect vectors of length 1. At another length the codes fall into few
#            of the levels: more bits do not help. No error, no warning; the returned distances are wrong as well.
# Seen:      4 bits, 64 dimensions, recall@10 of unit vectors: QT_4bit 0.79, tqmse 0.81, eden 0.34 (as with one bit);
#            of the same vectors at length 8: QT_4bit 0.79, tqmse 0.39, eden 0.81. (Checked within 0.1.)
# So:        scale to the length that the code book wants, or measure recall: a swap of qtype is no drop-in.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  faiss-cpu==1.15.1 numpy==2.4.6
venv/bin/python - <<'PY'
import faiss
import numpy as np


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


faiss.omp_set_num_threads(1)
random = np.random.RandomState(0)
vectors = random.randn(5000, 64).astype("float32")
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
queries = (vectors[:50] + 0.05 * random.randn(50, 64)).astype("float32")


def recall(kind, length):
    corpus, asked = vectors * np.float32(length), queries * np.float32(length)
    exact = faiss.IndexFlatL2(64)
    exact.add(corpus)
    wanted = exact.search(asked, 10)[1]
    index = faiss.IndexScalarQuantizer(64, getattr(faiss.ScalarQuantizer, kind))
    index.train(corpus)
    index.add(corpus)
    found = index.search(asked, 10)[1]
    return sum(len(set(a) & set(b)) for a, b in zip(wanted, found)) / wanted.size


for kind, length, low, high in (
    ("QT_4bit", 1, 0.7, 0.9),
    ("QT_4bit", 8, 0.7, 0.9),
    ("QT_4bit_tqmse", 1, 0.7, 0.9),
    ("QT_4bit_tqmse", 8, 0.3, 0.5),
    ("QT_4bit_eden", 1, 0.25, 0.45),
    ("QT_4bit_eden", 8, 0.7, 0.9),
    ("QT_1bit_eden", 1, 0.2, 0.4),
):
    seen = recall(kind, length)
    print(f"{kind} at length {length}: recall@10 {seen:.2f}")
    expect(f"  between {low} and {high}", low <= seen <= high, True)
PY
