"""Update the page's catalogue of texts after a change of the code, and compile it: `make words`.

Run as `python -m tools.text_catalogue`. New texts appear in src/app/page/locale/fr/LC_MESSAGES/page.po with an empty
translation for a person to fill in; run it again afterwards. Texts that the code no longer has are removed.
"""

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from src.app.page.i18n import LOCALE_DIR, gettext_noop, translate
from src.settings import ROOT

HEADER = """# The page's texts in French.
msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""
CREATED = datetime(2026, 11, 23, tzinfo=UTC)  # fixed, so that the same texts produce the same file
FUNCTIONS = (translate.__name__, gettext_noop.__name__)  # their first argument is a text of the catalogue


def find_texts() -> set[str]:
    """Return every text in the page's code that belongs into the catalogue."""
    files = [ROOT / "src" / "app" / "front.py", *(ROOT / "src" / "app" / "page").rglob("*.py")]
    return {text for file in files for text in _find_in(ast.parse(file.read_text()))}


def _find_in(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):  # Babel's own extraction skips f-strings
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            (first, *_) = node.args
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def catalogue_file(language: str) -> Path:
    """Return the file with the texts in `language`."""
    return LOCALE_DIR / language / "LC_MESSAGES" / "page.po"


def read_catalogue(language: str) -> Catalog:
    """Return the texts in `language`."""
    return read_po(io.BytesIO(catalogue_file(language).read_bytes()), locale=language)


def main() -> None:
    """Rewrite the French catalogue and compile it."""
    file = catalogue_file("fr")
    before = read_catalogue("fr")
    after = Catalog(locale="fr", creation_date=CREATED)
    for text in sorted(find_texts()):
        entry = before.get(text)
        after.add(text, entry.string if entry else "")
    with file.open("wb") as output:
        output.write(HEADER.encode())
        write_po(output, after, width=120, omit_header=True)
    with file.with_suffix(".mo").open("wb") as output:
        write_mo(output, after)


if __name__ == "__main__":
    main()
