"""Texts that have broken text processing before."""

from __future__ import annotations

AWKWARD_TEXTS: tuple[str, ...] = (
    "one",
    "  leading and trailing  ",
    "para one\n\npara two\n\n\n\npara three",
    "line\nline\r\nline\rline",
    "a\x00b \x1f c\x7f",
    "\ufeffbyte order mark",
    "e\u0301 combining, and stacked: Z\u0351\u036b\u0343\u036a\u0302",
    "\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0633\u0644\u0627\u0645 right to left",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6211\u4eec\u53bb\u516c\u56ed\u5427\u3002" * 30,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family \U0001f3f3\ufe0f\u200d\U0001f308 flag",
    "no\u00a0break\u2003em\u2028line\u2029paragraph\u0085next",
    "\u200b\u200c\u200d",
    "x" * 5000,
    "word " * 3000,
    "A sentence. Another one! And a third? " * 60,
    "# Heading\n\n- item one\n- item two\n\n    code = 1\n\nEnd.",
    "[SEP] [CLS] </s> <s> [UNK] [MASK]",
    "\ud7ff\ue000\ufffd\U0010ffff",
)
"""Valid Unicode, never empty: NUL, combining marks, right-to-left, CJK, emoji, all spaces, an endless word."""
