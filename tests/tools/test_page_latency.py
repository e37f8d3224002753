"""What `make bench-page` writes: medians, and the table of the document, which quotes the committed results."""

import json

from src.model.experiments.snippets import replace_snippets
from tools.page_latency import DOCUMENT, OUT, describe, format_table, make_snippets, split_time

PAINTED = {"painted": [200.0, 450.04], "component": 10.0}


def test_a_stroke_is_split_into_its_parts() -> None:
    parts = {"total": 200.0, "component": 10.0, "request": 15.5, "rerun": 174.5, "requests": 1}
    assert split_time({"painted": [200.0], "component": 10.0}, (), [15.5]) == parts


def test_a_panel_counts_from_the_answer_on() -> None:
    parts = {"total": 200.0, "component": 10.0, "inside": 250.0, "requests": 3}
    assert split_time(PAINTED, ("inside",), [15.0, 8.0, 8.0]) == parts


def test_the_table_has_medians_and_percentiles_beside_the_goals() -> None:
    strokes = [split_time({"painted": [100.0 + number], "component": 10.0}, (), [15.0]) for number in range(11)]
    panel = [{"total": 250.0, "request": 20.0, "requests": 2}] * 11
    inside = [split_time(PAINTED, ("inside",), [1.0, 1.0, 1.0])] * 11
    machine = {"cores": 2, "processor": "AMD EPYC", "load_before": 0.1}
    results = {"machine": machine, "processor_ms": {"service": 8.0, "page": 90.0}} | describe(
        {"strokes": strokes, "inside": panel, "change": panel, "strokes_inside": inside}
    )
    lines = format_table(results).splitlines()
    assert lines[2] == "| from the end of a stroke to the answer | 300 ms | 105 ms | 110 ms |"
    assert "| requests to the service for a stroke, panels closed | 1 | 1 | 1 |" in lines
    assert lines[-1] == "| from that answer until both networks are drawn anew | 500 ms | 250 ms | 250 ms |"
    assert make_snippets(results)["page/panels"] == "11"
    assert make_snippets(results)["page/processor"] == "8 ms of the service and 90 ms of the page"
    assert make_snippets(results)["page/machine"] == "2 cores of a shared AMD EPYC with a load of 0.1 before"


def test_the_document_quotes_the_committed_results() -> None:
    text = DOCUMENT.read_text()
    assert "<!-- page/table -->" in text
    assert replace_snippets(text, make_snippets(json.loads(OUT.read_text()))) == text
