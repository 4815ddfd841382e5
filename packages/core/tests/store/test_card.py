"""Tests of vecmill.store.card."""

import re

import numpy as np
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from doubles.hub.card import problems
from vecmill import run
from vecmill.records import SIMILARITIES, Cost, ModelInfo, Terms
from vecmill.sanitize import MARKS, UNSAFE, printable
from vecmill.store.card import (
    Location,
    format_card,
    format_cell,
    format_code,
    format_link,
    format_text,
    read_user_section,
)
from vecmill.store.front_matter import SIZES, dump_yaml, find_size_category
from vecmill.store.vectors import comparable_vectors, score_vectors


@pytest.fixture
def manifest(corpus, job):
    """The manifest of a small run."""
    return run(job(corpus({"id": "1", "text": "Some text."}))).manifest


def front(text):
    """Return a card's front matter."""
    found = re.match(r"---\n(.*?)\n---\n", text, flags=re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1])


def test_the_front_matter_is_valid_and_names_what_is_there(manifest):
    """The Hub takes it; configurations, licences and sizes are those of the dataset."""
    place = Location("user/name", "data/run-1", "run-1", {"int8": 9}, ("cc-by-sa-3.0", "gfdl"), ("en",), 'A "name"')
    text = format_card(manifest, place)
    assert problems(text) == []
    told = front(text)
    assert told["license"] == ["cc-by-sa-3.0", "gfdl"]
    assert told["pretty_name"] == 'A "name"'
    assert told["size_categories"] == ["n<1K"]
    paths = {config["config_name"]: config["data_files"][0]["path"] for config in told["configs"]}
    assert paths == {"default": "data/run-1/train-*.parquet", "int8": "data/run-1/int8/train-*.parquet"}
    sizes = {"default": manifest.shards[0].bytes, "int8": 9}
    for info in told["dataset_info"]:
        size = sizes.pop(info["config_name"])
        assert info["splits"] == [{"name": "train", "num_bytes": size, "num_examples": manifest.account.chunks}]
        assert info["download_size"] == info["dataset_size"] == size
    assert not sizes


def test_the_body_says_how_the_vectors_were_made(manifest):
    """Model, revision, pooling, chunker and its settings, every count of the account, time, and the run."""
    text = format_card(manifest)
    model, account = manifest.model, manifest.account
    for said in (model.id, model.revision, model.pooling, "`paragraphs`", "`max_tokens` 32", manifest.run_id):
        assert str(said) in text
    for key, value in account.model_dump().items():
        assert f"| {key.replace('_', ' ')} | {value:,} |" in text
    assert "of worker time" in text
    assert "It cost" not in text
    cost = Cost(estimate=41.5, gpu="A10G", container_seconds=360_000, price_per_second=0.000115)
    assert "It cost about 41.50 USD" in format_card(manifest.model_copy(update={"cost": cost}))


def test_a_stranger_is_told_what_every_column_is_and_what_the_dataset_is_of(manifest):
    """Columns that were carried along too; on the Hub the repository's name says more than that files were read."""
    kept = manifest.model_copy(update={"columns": {**manifest.columns, "product": "string"}})
    text = format_card(kept, Location("user/tickets", "data/run-1", "run-1"))
    assert all(f"`{name}`" in text.partition("## Columns")[2].partition("##")[0] for name in kept.columns)
    assert "# tickets embedded with " in text
    assert 'pip install "vecmill[local]"' in format_card(kept)


def test_share_alike_is_explained_where_it_holds(manifest):
    """For licences that ask for it, and for no others."""
    assert "Share alike" in format_card(manifest, Location(license=("cc-by-sa-4.0",)))
    assert "Share alike" not in format_card(manifest, Location(license=("mit",)))
    assert "No licence is stated" in format_card(manifest)


def test_the_terms_of_the_source_stand_in_the_card_unless_other_words_are_given(manifest):
    """Licence and language of the manifest; the publisher's own win, and a licence with another name is linked."""
    stated = Terms(license="other", license_name="psf-2.0", license_link="https://example.org/licence", language="en")
    told = manifest.model_copy(update={"source": manifest.source.model_copy(update={"terms": stated})})
    text = format_card(told)
    assert front(text)["license"] == ["other"]
    assert front(text)["license_name"] == "psf-2.0"
    assert "[`psf-2.0`](https://example.org/licence)" in text
    assert front(text)["language"] == ["en"]
    other = front(format_card(told, Location(license=("mit",))))
    assert (other["license"], other["language"]) == (["mit"], ["en"])
    assert "license_name" not in other


def test_articles_of_wikipedia_are_credited_as_it_asks(manifest):
    """Licences with their addresses, who wrote it and where that stands, what was changed, and share alike."""
    terms = Terms(license=("cc-by-sa-3.0", "gfdl"), language=("en",))
    options = {"repo": "wikimedia/wikipedia", "revision": "b04c8d1"}
    source = manifest.source.model_copy(update={"name": "hub", "options": options, "terms": terms})
    text = format_card(manifest.model_copy(update={"source": source}))
    for said in (
        "by-sa/3.0/",
        "fdl-1.3",
        "authors of Wikipedia",
        "View history",
        "were cut into chunks",
        "Share alike",
    ):
        assert said in text
    assert "`b04c8d1`" in text
    assert problems(text) == []


@given(st.text())
def test_ones_own_text_comes_back_as_it_was(own):
    """Whatever it is, marks of ours in it included, it cannot grow or break out of its part."""
    from vecmill.store.card import BEGIN, END, format_user_section

    once = read_user_section(f"before\n{format_user_section(own + BEGIN + END[:9] + END + END[9:] + own)}after\n")
    assert once is not None
    assert read_user_section(format_user_section(once)) == once
    assert read_user_section("# Somebody's card") is None


TEXTS = st.text(st.characters(codec="utf-8"))


NAMES = st.from_regex(r"\A[a-z_]{1,8}\Z")


@given(
    st.recursive(
        TEXTS | st.integers() | st.booleans(),
        lambda inner: st.lists(st.dictionaries(NAMES, inner, min_size=1), min_size=1),
        max_leaves=8,
    )
)
@example([{"no": 1, "null": ""}])
def test_yaml_means_what_was_written(value):
    """Quotes, colons, emoji and control characters survive a real YAML reader."""
    assert yaml.safe_load(dump_yaml({"key": value})) == {"key": value}


@pytest.mark.parametrize(("rows", "name"), [(1, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (50_000_000, SIZES[5])])
def test_size_categories_are_the_hubs(rows, name):
    """Each names a power of ten."""
    assert find_size_category(rows) == name


HOSTILE = "x`](https://evil.example) <b>|</b>\n\n# y\n| a | b |\x9b31m\u202e ![z](https://evil.example/z) ```"


@pytest.mark.fault(
    "security",
    "a licence, a column, a prompt or an option contains Markdown, HTML, controls or characters that turn a line",
    promise="The card shows it as text: it makes no link, tag, title or cell; the front matter is the same YAML.",
)
def test_foreign_words_are_words_in_a_card(manifest):
    """As a renderer of Markdown reads it: only links of ours, and as many titles, rows and cells as ever."""
    terms = Terms(license=["other", HOSTILE], license_name=HOSTILE, license_link=HOSTILE, language=["en", HOSTILE])
    options = {**manifest.source.options, "repo": HOSTILE, "revision": HOSTILE}
    told = {"id": HOSTILE, "revision": HOSTILE, "pooling": HOSTILE, "precision": HOSTILE, "prompt": HOSTILE}
    chunker = {**manifest.recipe["chunker"], HOSTILE: HOSTILE, "name": HOSTILE}
    hostile = manifest.model_copy(
        update={
            "vecmill": HOSTILE,
            "source": manifest.source.model_copy(update={"name": HOSTILE, "options": options, "terms": terms}),
            "model": manifest.model.model_copy(update=told | {"query_prompt": HOSTILE}),
            "columns": {**manifest.columns, HOSTILE: "string"},
            "recipe": {**manifest.recipe, "chunker": chunker},
            "cost": Cost(estimate=1, gpu=HOSTILE, container_seconds=1, price_per_second=1),
        }
    )
    for place in (Location(), Location("user/name", "data/run", "run"), Location("user/name", pretty_name=HOSTILE)):
        text = format_card(hostile, place)
        assert not re.search(f"[{UNSAFE}]", text)
        assert front(text)["license_name"] == HOSTILE
        assert HOSTILE in front(text)["language"]
        shown, usual = (_rendered(made) for made in (text, format_card(manifest, place)))
        assert "evil.example" in shown
        assert not re.search(r"<(a|img|b)\b[^>]*evil|<b>|<img|<h1>y", shown)
        assert "evil" not in re.sub(r"<code.*?</code>", "", shown, flags=re.DOTALL), "the Hub links bare addresses"
        for tag in ("<h1", "<h2", "<table", "<tr", "<td", "<pre"):
            assert shown.count(tag) == usual.count(tag), tag


def _rendered(text):
    return MarkdownIt("commonmark").enable("table").render(re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_code_on_the_card_scores_as_a_search_does(manifest, similarity, normalized):
    """In words that say what the score is, with the column that holds the vectors."""
    stated = manifest.model.model_dump(exclude={"outputs"})
    model = ModelInfo(**stated | {"normalized": normalized, "similarity": similarity})
    text = format_card(manifest.model_copy(update={"model": model}), Location("user/name", tag="run-1"))
    (code,) = re.findall(r"^scores = (.*)$", text, flags=re.MULTILINE)
    vectors, query = np.random.default_rng(1).normal(size=(2, 9, 8)).astype(np.float32)
    if normalized:
        vectors, query = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (vectors, query))
    scored = eval(code, {"vectors": vectors, "query": query[0], "np": np})  # noqa: S307 - it is our own
    ours = comparable_vectors(vectors, model.output), comparable_vectors(query, model.output)[0]
    np.testing.assert_allclose(scored, score_vectors(*ours, model.output), atol=1e-6)
    assert 'vectors = rows["embedding"][:]' in text
    assert f"| similarity | {similarity} |" in text


@pytest.mark.parametrize(
    "text", ["all-MiniLM-L6-v2", "minilm_v2", "user/name", "passage: ", "bge-small-en-v1.5", "é 漢字", "0.1.0"]
)
def test_what_names_are_made_of_stays(text):
    """Cards of datasets that were made before state the same."""
    assert format_text(text) == text
    assert format_code(text) == format_cell(text) == f"`{text}`"


@given(st.text())
def test_nothing_ends_its_code_or_its_line(text):
    """The fence is longer than any run of ticks within, and a bar does not end a cell."""
    shown = format_code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    inside = shown[len(fence) : -len(fence)]
    assert shown.endswith(fence)
    assert fence not in re.findall("`+", inside)
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    for made in (shown, format_cell(text), format_text(text)):
        assert not re.search(f"(?![{MARKS}])[\n{UNSAFE}]", made)
    assert not re.search(r"(?<!\\)\|", format_cell(text))


@given(st.text())
def test_prose_holds_no_link_no_tag_and_no_code(text):
    """Each mark stands behind a backslash, which itself stands behind one; what would be a link by itself is code."""
    if re.search(r"://|www\.|@|mailto:|xmpp:", printable(text), re.IGNORECASE):
        assert format_text(text) == format_cell(text)
        return
    bare = re.sub(r"\\[\\`*\[\]<>|~_&]", "", format_text(text))
    assert not re.search(r"[`*\[\]<>|~]", bare)


@pytest.mark.parametrize(
    "text",
    ["see https://evil.example", "HTTP://evil.example", "WWW.evil.example", "a@evil.example", "ftp://evil.example"],
)
def test_a_bare_address_in_prose_is_code(text):
    """The Hub's Markdown makes a link of it without any mark, and of an escaped one too."""
    assert format_text(text) == f"`{text}`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("_a_ __b__ c_d", "\\_a\\_ \\_\\_b\\_\\_ c_d"),
        ("&lt;b&gt; &#60; R&D", "\\&lt;b\\&gt; \\&#60; R&D"),
        ("https:\x07//evil.example", "`https://evil.example`"),
        ("WWW.evil.example | x", "`WWW.evil.example \\| x`"),
        ("by @somebody", "`by @somebody`"),
    ],
)
def test_no_renderer_makes_more_of_prose_than_its_words(text, shown):
    """Emphasis, an entity, an address or a name that stands there bare."""
    assert format_text(text) == shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://x.org) [y](https://z",
        "https://x.org/ a",
        "<b>",
        "",
        "https://x\ny",
        "data:text/html,x",
    ],
)
def test_only_a_plain_address_becomes_a_link(address):
    """Another is shown as code."""
    assert "](" not in re.sub("`+.*?`+", "", format_link("name", address))
    assert format_link("name", "https://example.org/a?b=c#d") == "[name](https://example.org/a?b=c#d)"
