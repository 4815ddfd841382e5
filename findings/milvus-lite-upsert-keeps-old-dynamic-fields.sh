#!/usr/bin/env bash
# Milvus Lite: an upsert keeps the dynamic fields of the row it replaces, but not its declared fields.
#
# Versions:  milvus-lite 3.2.2, pymilvus 3.0.2. Seen on 2026-11-30.
# Guess:     upsert without partial_update replaces the row: a field that is not sent is gone, or null, or its default.
# Behaviour: declared fields go to null as expected, dynamic fields that are not sent stay as they were. The row is a
#            mixture of two versions, and filters find it by the old value.
# Seen:      insert {id 1, n 5, lang "de", url "u1"}, upsert {id 1, url "u2"}: n null, url "u2", lang still "de";
#            filter lang == "de" finds row 1.
# So:        metadata that is no longer true stays searchable after a refresh; delete the row before the upsert.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  milvus-lite==3.2.2 pymilvus==3.0.2
venv/bin/python - <<'PY'
from pymilvus import DataType, MilvusClient


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


client = MilvusClient("milvus.db")
schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
schema.add_field("id", DataType.INT64, is_primary=True)
schema.add_field("v", DataType.FLOAT_VECTOR, dim=2)
schema.add_field("n", DataType.INT32, nullable=True)
index = client.prepare_index_params()
index.add_index("v", index_type="FLAT", metric_type="L2")
client.create_collection("c", schema=schema, index_params=index)


def row():
    found = dict(client.query("c", filter="id == 1", output_fields=["*"])[0])
    return {key: found.get(key) for key in ("n", "lang", "url")}


client.insert("c", [{"id": 1, "v": [1.0, 2.0], "n": 5, "lang": "de", "url": "u1"}])
expect("after insert", row(), {"n": 5, "lang": "de", "url": "u1"})
client.upsert("c", [{"id": 1, "v": [3.0, 4.0], "url": "u2"}])
expect("after upsert", row(), {"n": None, "lang": "de", "url": "u2"})
expect("found by the old value", [dict(r)["id"] for r in client.query("c", filter='lang == "de"', output_fields=["id"])], [1])
client.delete("c", ids=[1])
client.upsert("c", [{"id": 1, "v": [3.0, 4.0], "url": "u3"}])
expect("after delete and upsert", row(), {"n": None, "lang": None, "url": "u3"})
client.close()
PY
