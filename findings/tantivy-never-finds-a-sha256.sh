#!/usr/bin/env bash
# tantivy's default tokenizer drops each token of 40 bytes or more: a sha256, a long URL or key is never found.
#
# Versions:  tantivy 0.27.0. Seen on 2026-11-30.
# Guess:     a text field that is indexed finds each word of its text; if a word cannot be indexed, adding it raises.
# Behaviour: "default" and "en_stem" leave out tokens from 40 bytes on, in the document and in the query: no error, no
#            hit. It counts bytes: 20 Cyrillic letters are 40 bytes, so long compound words of such scripts go missing.
#            An AND with such a word does not miss it, it ignores it: the query becomes wider.
#            "raw" and "whitespace" keep the tokens.
# Seen:      39 letters found, 40 not; 19 Cyrillic letters found, 20 not; sha256 found with "whitespace" only;
#            "report AND <sha256 of something else>" finds the report.
# So:        ids and hashes belong in a "raw" field.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  tantivy==0.27.0
venv/bin/python - <<'PY'
import hashlib


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


import tantivy

known, unknown = (hashlib.sha256(word).hexdigest() for word in (b"known", b"unknown"))


def find(tokenizer, text, query):
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name=tokenizer)
    index = tantivy.Index(builder.build())
    writer = index.writer(15_000_000, 1)
    writer.add_document(tantivy.Document(text=text))
    writer.commit()
    index.reload()
    return index.searcher().search(index.parse_query(query, ["text"]), 5).count


expect("39 letters", find("default", "a" * 39, "a" * 39), 1)
expect("40 letters", find("default", "a" * 40, "a" * 40), 0)
expect("19 Cyrillic letters", find("default", "\u0434" * 19, "\u0434" * 19), 1)
expect("20 Cyrillic letters", find("default", "\u0434" * 20, "\u0434" * 20), 0)
text = f"report {known}"
expect("sha256, default", find("default", text, known), 0)
expect("sha256, en_stem", find("en_stem", text, known), 0)
expect("sha256, whitespace", find("whitespace", text, known), 1)
expect("report AND another sha256, default", find("default", text, f"report AND {unknown}"), 1)
expect("report AND another sha256, whitespace", find("whitespace", text, f"report AND {unknown}"), 0)
PY
