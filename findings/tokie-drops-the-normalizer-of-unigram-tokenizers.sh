#!/usr/bin/env bash
# tokie reads a Unigram tokenizer.json but not its normalizer: other ids, and with Lowercase words fall apart.
#
# Versions:  tokie 0.1.4, tokenizers 0.23.3. Seen on 2026-11-30.
# Guess:     tokie gives the ids that tokenizers gives (it does for WordPiece), or refuses what it does not know.
# Behaviour: of a Unigram model's normalizer it ignores Replace, Strip, Prepend and a Sequence of them; with Lowercase
#            neither the case is changed nor is the word start put in place. Loading and encoding raise nothing.
# Seen:      Replace x -> b, "a x": tokenizers [28, 29], tokie [28, 1, 25]; Lowercase, "A B": [28, 29] and
#            [2, 0, 3] (0 is <unk>); without a normalizer the ids are equal.
# So:        XLM-R-like models have such normalizers: compare ids on your own texts, spaces doubled and all.
set -euo pipefail
ulimit -t 150
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  tokie==0.1.4 tokenizers==0.23.3
venv/bin/python - <<'PY'
import tokie
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers


def expect(what, seen, before):
    print(f"{what}: {seen}")
    if seen != before:
        raise SystemExit(f"changed: {what}: now {seen}, before {before}")


pieces = [("<unk>", 0.0)] + [(letter, -5.0) for letter in "\u2581abcdefghijklmnopqrstuvwxyz"]
pieces += [("\u2581a", -3.0), ("\u2581b", -3.0)]


def both(normalizer, text):
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.save("tokenizer.json")
    other = tokie.Tokenizer.from_json("tokenizer.json")
    return tokenizer.encode(text).ids, list(other.encode(text, False).ids)


expect("no normalizer, 'a b'", both(None, "a b"), ([28, 29], [28, 29]))
expect("Replace x by b, 'a x'", both(normalizers.Replace("x", "b"), "a x"), ([28, 29], [28, 1, 25]))
expect("Replace two spaces by one, 'a  b'", both(normalizers.Replace("  ", " "), "a  b"), ([28, 29], [28, 1, 29]))
expect("Strip, '  a '", both(normalizers.Strip(), "  a "), ([28], [1, 28, 1]))
expect("Lowercase, 'A B'", both(normalizers.Lowercase(), "A B"), ([28, 29], [2, 0, 3]))
PY
