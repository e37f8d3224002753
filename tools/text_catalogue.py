"""Bring the page's catalogue up to date with the code and compile it: `python -m tools.text_catalogue`.

What is new stands in src/app/page/locale/fr/LC_MESSAGES/page.po with an empty translation, for a person to fill in.
"""

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from src.app.page.i18n import FOLDER
from src.settings import ROOT

HEADER = """# The page's words in French.
msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""
CREATED = datetime(2026, 11, 23, tzinfo=UTC)  # so that the same texts make the same file
WORDS = ("say", "message")  # the functions that take a text of the catalogue


def said() -> set[str]:
    """Return every text that the page's code has for the catalogue."""
    return {text for file in (ROOT / "src" / "app").rglob("*.py") for text in _said_in(ast.parse(file.read_text()))}


def _said_in(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):  # Babel's own search finds nothing inside f-strings
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORDS:
            (first, *_) = node.args
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def catalogue_file(language: str) -> Path:
    """Return where the texts of `language` stand."""
    return FOLDER / language / "LC_MESSAGES" / "page.po"


def catalogue(language: str) -> Catalog:
    """Return the texts of `language`."""
    return read_po(io.BytesIO(catalogue_file(language).read_bytes()), locale=language)


def compiled(texts: Catalog) -> bytes:
    """Return what gettext reads."""
    file = io.BytesIO()
    write_mo(file, texts)
    return file.getvalue()


def main() -> None:
    """Rewrite the French catalogue."""
    file = catalogue_file("fr")
    before = catalogue("fr")
    after = Catalog(locale="fr", creation_date=CREATED)
    for text in sorted(said()):
        old = before.get(text)
        after.add(text, old.string if old else "")
    with file.open("wb") as output:
        output.write(HEADER.encode())
        write_po(output, after, width=120, omit_header=True)
    file.with_suffix(".mo").write_bytes(compiled(after))


if __name__ == "__main__":
    main()
