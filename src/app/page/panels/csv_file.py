"""Tables as CSV files."""

import csv
import io
from collections.abc import Sequence
from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")  # of cells that a spreadsheet would run


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` as CSV without formulas: a leading apostrophe makes a spreadsheet take such a cell as text."""
    file = io.StringIO()
    csv.writer(file).writerows(
        [f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in row] for row in rows
    )
    return file.getvalue()
