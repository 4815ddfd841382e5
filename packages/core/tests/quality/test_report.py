"""Tests of vecmill.quality.report: what was measured, in lines and as a page."""

import re
from html.parser import HTMLParser

from vecmill.quality import measure
from vecmill.quality.report import format_page
from vecmill.sanitize import UNSAFE

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>&amp;"


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        """Note a tag with its attributes."""
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        """Note the text."""
        self.text.append(data)


def parsed(text):
    """Read a page."""
    tags = Tags()
    tags.feed(text)
    return tags


def test_nothing_from_a_dataset_becomes_part_of_the_page(made):
    """Hostile titles are shown as they are, and no element or attribute comes of them."""
    rows = [{"id": f"{HOSTILE}{n}", "title": f"{HOSTILE} {n}", "text": f"{HOSTILE} text {n}"} for n in range(30)]
    report = measure(made(*rows).path)
    assert report.known_items.missed
    plain = parsed(format_page(report.model_copy(update={"path": "x"})))
    hostile = parsed(format_page(report.model_copy(update={"path": HOSTILE})))
    assert plain.tags == hostile.tags
    assert not {"script", "img", "b"} & set(hostile.tags)
    assert not [name for name in hostile.attributes if name.startswith("on")]
    assert report.known_items.missed[0] in "".join(hostile.text)


def test_the_page_needs_nothing_else(made):
    """No address is loaded; a policy says so to the browser."""
    text = format_page(measure(made("one thing", "another").path))
    assert "default-src 'none'" in text
    assert not {"src", "href"} & set(parsed(text).attributes)


def test_every_number_of_the_summary_is_on_the_page(made):
    """What the terminal says, the page says too."""
    from vecmill.quality.report import format_lines

    report = measure(made("one thing", "another").path)
    shown = "".join(parsed(format_page(report)).text)
    for name, line in format_lines(report):
        assert f"{name}{line}" in shown


def test_a_bar_stands_for_every_count_that_is_not_nought(made):
    """Charts show what was counted: a bar for a bin, the highest as high as the chart."""
    report = measure(made("one thing", "another").path)
    bars = [count for counts in (report.lengths.counts, report.geometry.nearest) for count in counts if count]
    text = format_page(report)
    assert text.count("<rect ") == len(bars)
    assert text.count('height="180.0"') >= 2


def test_what_turns_or_breaks_a_line_is_not_in_the_page(made):
    """A title is foreign text: controls and reversals go, as on a terminal."""
    rows = [{"id": f"{n}", "title": f"{n} \u202ething\u2066\x9b31m", "text": f"{n} text {n}"} for n in range(30)]
    report = measure(made(*rows).path)
    assert report.known_items.missed
    text = format_page(report)
    assert not re.search(f"[{UNSAFE}]", text)
