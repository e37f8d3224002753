"""Texts in documents that a command replaces by its results.

A document marks a snippet with two comments, which the rendered page hides: `<!-- best/cnn/given -->…<!-- / -->`.
"""

import re
from collections.abc import Mapping
from typing import Final

SNIPPET: Final = re.compile(r"(<!-- (?P<name>[\w./-]+) -->).*?(<!-- / -->)", re.DOTALL)


def replace_snippets(text: str, snippets: Mapping[str, str]) -> str:
    """Return the text with what stands between the comments replaced. Raises `KeyError` for an unknown name."""
    return SNIPPET.sub(lambda match: match[1] + snippets[match["name"]] + match[3], text)
