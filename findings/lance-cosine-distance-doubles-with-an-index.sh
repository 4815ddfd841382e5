#!/usr/bin/env bash
# Lance: a quantized index doubles the _distance of a cosine search; new rows, or refine_factor, halve it again.
#
# Versions:  pylance 14.0.2. Seen on 2026-11-30.
# Guess:     _distance is the cosine distance, exact without an index, about the same (approximate) with one.
# Behaviour: with IVF_PQ, IVF_SQ, IVF_HNSW_SQ or IVF_RQ it is about 2 x the cosine distance (the squared distance of
#            the normalized vectors). IVF_FLAT, no index and refine_factor give the cosine distance. As soon as
#            rows lie outside the index the distances of all rows are cosine distances again, until the index is brought up to date.
#            distance_range compares with whichever of the two it is. The order of the rows is right in each case.
# Seen:      median _distance of 2000 rows: no index and IVF_FLAT 1.0, IVF_PQ and IVF_SQ 2.0; distance_range
#            up to 0.6 keeps about a fifteenth of the rows with IVF_SQ.
# So:        a threshold on _distance ("same text if below 0.1") means something else the day the index is built.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  pylance==14.0.2 pyarrow==25.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import lance
import numpy as np
import pyarrow as pa


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


width = 16
random = np.random.default_rng(0)
vectors = random.normal(size=(2000, width)).astype("float32")
query = vectors[0] + np.float32(0.1)


def to_table(array):
    return pa.table({"v": pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), width)})


def distances(dataset, **options):
    nearest = {"column": "v", "q": query, "k": 2000, "nprobes": 4, "metric": "cosine", **options}
    return dataset.scanner(nearest=nearest, columns=["_distance"]).to_table()["_distance"].to_numpy()


def median(dataset, **options):
    return round(float(np.median(distances(dataset, **options))), 1)


plain = lance.write_dataset(to_table(vectors), "plain")
expect("no index: median distance", median(plain), 1.0)
below = len(distances(plain, distance_range=(0.0, 0.6)))
print(f"no index: {below} rows below 0.6")
for kind, options, factor in (
    ("IVF_FLAT", {}, 1.0),
    ("IVF_PQ", {"num_sub_vectors": 8}, 2.0),
    ("IVF_SQ", {}, 2.0),
):
    dataset = lance.write_dataset(to_table(vectors), kind)
    dataset.create_index("v", kind, metric="cosine", num_partitions=4, **options)
    expect(f"{kind}: median distance", median(dataset), factor)
    expect(f"{kind}: with refine_factor", median(dataset, refine_factor=1), 1.0)
    if kind == "IVF_SQ":
        kept = len(distances(dataset, distance_range=(0.0, 0.6)))
        print(f"{kind}: {kept} rows below 0.6")
        expect(f"{kind}: less than a third of the rows without an index", kept * 3 < below, True)
        dataset = lance.write_dataset(to_table(vectors[:1]), kind, mode="append")
        expect(f"{kind}: after one row was appended", median(dataset), 1.0)
PY
