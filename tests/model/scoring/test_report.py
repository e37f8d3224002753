"""The counts and the report say what the results hold."""

import re
from pathlib import Path

from src.model.scoring import report
from src.model.scoring.locations import locate
from src.model.scoring.summary import LEAST_CERTAIN, format_table, summarise
from tests.model.scoring.runs import make_job, make_pictures, read_rows, score_here, write_folder
from tests.pictures import drawn, encoded, written


def test_summary_counts_every_picture(tmp_path: Path) -> None:
    manifest, _ = score_here(write_folder(tmp_path / "in", make_pictures()), tmp_path / "out")
    rows = read_rows(tmp_path / "out")

    summary = summarise(locate(str(tmp_path / "out")), manifest)

    assert summary.classes == {str(d): sum(row["digit"] == d for row in rows) for d in range(10)}
    assert summary.problems == {"empty-file": 1, "unsupported-format": 1, "blank-picture": 1}
    assert sum(summary.histogram) == summary.scored == 17
    assert summary.doubtful == sum(row["digit_score"] is not None and row["digit_score"] < 0.5 for row in rows)
    scored = sorted((row["confidence"], row["path"]) for row in rows if row["problem"] is None)
    assert [(entry.confidence, entry.path) for entry in summary.least_certain] == scored
    for entry in summary.least_certain:
        assert rows[4 * entry.shard + entry.row]["path"] == entry.path
    assert "blank-picture" in format_table(summary, numbers=False)


def test_report_shows_the_least_certain_with_their_pictures(tmp_path: Path) -> None:
    files = {
        f'"><script>alert({n})</script>&{n:03}.png': encoded(drawn(n % 10, (90, 90), 5 + n % 9)) for n in range(120)
    }
    source = tmp_path / "in"
    source.mkdir()
    for name, content in files.items():
        (source / name.replace("/", "\u2044")).write_bytes(content)
    manifest, _ = score_here(source, tmp_path / "out", shard_size=50)
    summary = summarise(locate(str(tmp_path / "out")), manifest)

    report.write(tmp_path / "report.html", make_job(source, tmp_path / "out"), manifest, summary)

    text = (tmp_path / "report.html").read_text()
    images = re.findall(r'<img src="data:image/png;base64,[\w+/=]+" alt="([^"]+), read as \d">', text)
    assert len(images) == LEAST_CERTAIN
    assert "<script>" not in text
    assert "http" not in text
    assert '<html lang="en">' in text


def test_report_on_numbers_counts_them_by_length(tmp_path: Path) -> None:
    files = {"a.png": encoded(written("2026")), "b.png": encoded(written("10"))}
    manifest, _ = score_here(write_folder(tmp_path / "in", files), tmp_path / "out", numbers=True)
    summary = summarise(locate(str(tmp_path / "out")), manifest)
    assert summary.classes == {"4 digits": 1, "2 digits": 1}
    report.write(tmp_path / "r.html", make_job(tmp_path / "in", tmp_path / "out"), manifest, summary)
    assert "Numbers by length" in (tmp_path / "r.html").read_text()
    assert 'alt="a.png, read as 2026"' in (tmp_path / "r.html").read_text()
