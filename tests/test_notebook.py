import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from src.settings import ROOT

NOTEBOOK = ROOT / "notebook" / "init.ipynb"
FULL, QUICK = "PICTURES = 20_000", "PICTURES = 2_000"


def read() -> NotebookNode:
    return nbformat.read(NOTEBOOK, 4)  # type: ignore[no-untyped-call, no-any-return] # half typed


def test_it_is_committed_with_what_it_shows() -> None:
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    assert "error" not in kinds
    assert kinds.count("display_data") >= 6


@pytest.mark.mnist
def test_it_runs_from_top_to_bottom() -> None:
    notebook = read()
    settings = next(cell for cell in notebook.cells if FULL in cell.source)
    settings.source = settings.source.replace(FULL, QUICK)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
