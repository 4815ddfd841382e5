#!/usr/bin/env bash
# dask turns a column of numpy vectors into printed text with dots in the middle, and writes that to Parquet.
#
# Versions:  dask 2026.8.0, pandas 3.1.1, pyarrow 26.0.1. Seen on 2026-11-30.
# Guess:     from_pandas(frame).to_parquet() writes a list column, as frame.to_parquet() does; or it raises.
# Behaviour: each object column that is not of strings is cast to strings as well. str() of an array of more than 1000
#            numbers leaves out the middle: the vectors are lost, not merely in another form. Without an error or a
#            warning of it; row counts are right. With dataframe.convert-string off the lists are written.
# Seen:      4 vectors of 1536 float32 -> column "large_string", '[0.0000000e+00 3.3333334e-01 6.6666669e-01 ...
#            5.1100000e+02 5.1133334e+02 5.1166666e+02]'.
# So:        set dask.config.set({"dataframe.convert-string": False}) before embeddings pass through dask.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  dask[dataframe]==2026.8.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
venv/bin/python - <<'PY'
import warnings


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

warnings.simplefilter("ignore")
vectors = [np.arange(1536, dtype="float32") / 3 + i for i in range(4)]
frame = pd.DataFrame({"id": range(4), "v": vectors})
frame.to_parquet("pandas.parquet")
expect("pandas writes", str(pq.read_table("pandas.parquet")["v"].type), "list<element: float>")
dd.from_pandas(frame, npartitions=1).to_parquet("dask")
column = pq.read_table("dask")["v"]
print(f"dask writes: {column[0].as_py()!r}")
expect("dask writes", str(column.type), "large_string")
expect("with the middle left out", " ... " in column[0].as_py(), True)
with dask.config.set({"dataframe.convert-string": False}):
    expect("without convert-string", len(dd.from_pandas(frame, npartitions=1).compute()["v"].iloc[0]), 1536)
PY
