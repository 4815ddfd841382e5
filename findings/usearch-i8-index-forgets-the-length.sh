#!/usr/bin/env bash
# A usearch index of dtype i8 brings each vector to one length, under "l2sq" and "ip" too: other neighbours, no word.
#
# Versions:  usearch 2.26.6. Seen on 2026-11-30.
# Guess:     int8 storage rounds the components; squared distances and inner products stay about right.
# Behaviour: each vector, the query too, is scaled to length 127 before it is rounded, whatever the metric. The index
#            ranks by angle, the distances are in units of the codes, and index.get() gives the codes. f16, bf16 and
#            e4m3 keep the length.
# Seen:      vectors [1,0], [3,0], [100,0], [0,1], query [3,0], l2sq: f32 order 1 0 3 2, distances 0 4 10 9409;
#            i8 says that [100,0] and [1,0] are at distance 1 at most. ip: f32 puts [100,0] at -299, [3,0] at -8;
#            i8 gives all three about -16000.
# So:        a maximum-inner-product or Euclidean search loses what the length tells as soon as the dtype is i8.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  usearch==2.26.6 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
from usearch.index import Index


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


vectors = np.array([[1, 0], [3, 0], [100, 0], [0, 1]], dtype="float32")
query = np.array([3, 0], dtype="float32")


def distances(metric, dtype):
    index = Index(ndim=2, metric=metric, dtype=dtype)
    index.add(np.arange(4), vectors)
    matches = index.search(query, 4)
    by_key = dict(zip(matches.keys.tolist(), matches.distances.tolist()))
    print(f"{metric} {dtype}: {by_key}")
    return by_key


for dtype in ("f32", "f16"):
    expect(f"l2sq {dtype}: [100,0] from [3,0]", round(distances("l2sq", dtype)[2]), 9409)
    expect(f"ip {dtype}: distance of [100,0]", round(distances("ip", dtype)[2]), -299)
rounded = distances("l2sq", "i8")
expect("l2sq i8: [100,0] lies within 1 of [3,0]", rounded[2] <= 1, True)
expect("l2sq i8: [0,1] is the farthest", max(rounded, key=rounded.get), 3)
products = distances("ip", "i8")
expect("ip i8: [1,0], [3,0] and [100,0] are alike", max(products[k] for k in (0, 1, 2)) < -15000, True)
expect("ip i8: [3,0] is not ahead of [1,0]", products[1] >= products[0], True)
PY
