"""Links, paths, modules and commands in every Markdown document exist, and all files agree on the version."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from src.app.page import i18n
from src.model.evaluation.report import evaluation_path, load_evaluation
from src.settings import RESULTS_DIR, ROOT
from tests.released import DESCRIPTION

FOLDERS: Final = (".github", "data/feedback", "deploy", "docs", "notebook", "requirements", "src", "tests", "tools")
DOCUMENTS: Final = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
    if "node_modules" not in path.parts
)
CODE_FILES: Final = [
    *(path for pattern in ("Makefile", "Dockerfile.*", "*.yml", "*.yaml") for path in ROOT.glob(pattern)),
    *(
        path
        for folder in FOLDERS
        for suffix in ("cfg", "py", "txt", "yml")
        for path in (ROOT / folder).rglob(f"*.{suffix}")
    ),
]
GITHUB: Final = re.compile(r"(\.\./)+(actions|compare|issues|releases|security)/")  # pages of the repository on GitHub
GENERATED: Final = ("build", "data/compare", "data/raw", "data/refused", "data/training", "docs/figures/course")

FENCE: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`([^`\n]+)`")
LINK: Final = re.compile(r"\]\((?P<markdown>[^)\s]+)[^)]*\)|(?:src|href)=\"(?P<html>[^\"]+)\"")
PATH: Final = re.compile(r"(?P<path>[\w.<>*-]+(?:/[\w.<>*-]+)*/?)")
TOP_LEVEL: Final = {path.name for path in ROOT.iterdir()} - {".git", ".venv", ".venv-bench"}


def each(documents: list[Path]) -> pytest.MarkDecorator:
    """Run a test for each document."""
    return pytest.mark.parametrize("document", documents, ids=lambda path: str(path.relative_to(ROOT)))


each_document = each(DOCUMENTS)
# the changelog and decision records also name what was moved
each_current_document = each(
    [path for path in DOCUMENTS if path.name != "CHANGELOG.md" and "decisions" not in path.parts]
)


def prose(document: Path) -> str:
    """Return the text without fenced code blocks."""
    return FENCE.sub("", document.read_text())


def links(document: Path) -> list[str]:
    """Return the targets of all links and images that stay in the repository."""
    targets = [match["markdown"] or match["html"] for match in LINK.finditer(CODE.sub("", prose(document)))]
    return [target for target in targets if not re.match(r"[a-z]+:", target) and not GITHUB.match(target)]


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    slugs: list[str] = []
    for heading in re.findall(r"^#+ +(.+?) *$", prose(document), flags=re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slugs.append(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    return {f"{slug}-{n}" if (n := slugs[:i].count(slug)) else slug for i, slug in enumerate(slugs)}


def is_broken(document: Path, link: str) -> bool:
    """Return whether a relative link has no file, or its anchor no heading."""
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


def paths(document: Path) -> Iterator[str]:
    """Yield what stands in backticks and looks like a path of the repository: a known first folder, or a .py file."""
    for code in CODE.findall(prose(document)):
        match = PATH.fullmatch(code)
        if match and (code.split("/")[0] in TOP_LEVEL or code.endswith(".py")) and not code.startswith(GENERATED):
            yield re.sub(r"<[^>]*>", "*", code)


def is_missing(path: str) -> bool:
    """Return whether no file matches; a name without a folder may lie anywhere in the code."""
    if "/" not in path and path not in TOP_LEVEL:
        return not any(next((ROOT / folder).rglob(path), None) for folder in ("src", "tests", "tools"))
    return next(ROOT.glob(path.rstrip("/")), None) is None


@each_document
def test_links_resolve(document: Path) -> None:
    assert [link for link in links(document) if is_broken(document, link)] == []


@each_current_document
def test_paths_in_backticks_exist(document: Path) -> None:
    assert [path for path in paths(document) if is_missing(path)] == []


@each_current_document
def test_modules_of_commands_exist(document: Path) -> None:
    modules = {name.replace(".", "/") for name in re.findall(r"-m ((?:src|tests|tools)\.[\w.]+)", document.read_text())}
    exists = {name: (ROOT / f"{name}.py").exists() or (ROOT / name / "__main__.py").exists() for name in modules}
    assert [name for name, there in exists.items() if not there] == []


def test_documents_named_in_code_exist() -> None:
    named = {(file, name) for file in CODE_FILES for name in re.findall(r"\bdocs/[\w/-]+\.md\b", file.read_text())}
    assert named
    assert {(file, name) for file, name in named if not (ROOT / name).exists()} == set()


@each_document
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    text = document.read_text()
    code = "\n".join([*CODE.findall(text), *(match[0] for match in FENCE.finditer(text))])
    assert set(re.findall(r"(?:^|\W)make ([a-z][a-z-]*)", re.sub(r"#.*", "", code))) - targets == set()


def test_documents_are_found() -> None:
    assert {ROOT / name for name in ("README.md", "docs/api.md", ".github/pull_request_template.md")} <= set(DOCUMENTS)


@pytest.mark.parametrize("folder", ["docs", "docs/decisions"])
def test_every_document_is_in_the_index_of_its_folder(folder: str) -> None:
    index = ROOT / folder / "README.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    assert set((ROOT / folder).glob("*.md")) - {index} <= listed


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](there.md)", []),
        ("[a](there.md#a-heading-with-code)", []),
        ("[a](#here)\n# Here", []),
        ("[a](gone.md)", ["gone.md"]),
        ("[a](there.md#gone)", ["there.md#gone"]),
        ('<img src="gone.png" alt="x">', ["gone.png"]),
        ("`[a](gone.md)` and https://x.y/[z](https://x.y)", []),
        ("```\n[a](gone.md)\n```", []),
        ("[a](../../actions/workflows/x.yml)", []),
    ],
)
def test_broken_links_are_recognised(tmp_path: Path, text: str, broken: list[str]) -> None:
    (tmp_path / "there.md").write_text("## A heading, with `code`\n")
    document = tmp_path / "document.md"
    document.write_text(text)
    assert [link for link in links(document) if is_broken(document, link)] == broken


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`src/settings.py`, `src/model/`, `requirements.txt`, `settings.py`, `model/mnist-<version>.json`", []),
        ("`data/raw/MNIST`, `application/json`, `make run`, `/api/v1/predict`", []),
        ("`src/gone.py`", ["src/gone.py"]),
        ("`gone.py`", ["gone.py"]),
        ("`docs/gone/`", ["docs/gone/"]),
    ],
)
def test_missing_paths_are_recognised(tmp_path: Path, text: str, missing: list[str]) -> None:
    document = tmp_path / "document.md"
    document.write_text(text)
    assert [path for path in paths(document) if is_missing(path)] == missing


def version() -> str:
    """Return the version of the service, as its source has it."""
    match = re.search(r'^__version__ = "(.+)"$', (ROOT / "src" / "app" / "__init__.py").read_text(), flags=re.MULTILINE)
    assert match
    return match[1]


def test_changelog_has_the_version_as_its_newest_release() -> None:
    sections = re.findall(
        r"^## \[(.+?)\]( - \d{4}-\d\d-\d\d)?$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    assert [name for name, _ in sections[:2]] == ["Unreleased", version()]
    assert all(date for name, date in sections if name != "Unreleased")


def test_citation_has_the_version_and_the_date_of_its_release() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == version()
    assert f"## [{version()}] - {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text()


def test_readme_model_card_and_page_give_the_release_the_same_accuracy(monkeypatch: pytest.MonkeyPatch) -> None:
    test = load_evaluation(evaluation_path(DESCRIPTION.version)).test
    assert test
    as_files = f"**{100 * test.accuracy:.2f} %**"
    for document in ("README.md", "docs/model-card.md"):
        assert any(
            "official test set" in line and as_files in line for line in (ROOT / document).read_text().splitlines()
        )
    monkeypatch.setattr(i18n, "get_language", lambda: "en")
    assert i18n.format_percent(test.accuracy) == i18n.format_percent(DESCRIPTION.test.accuracy)


def read_metrics(model: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Return the values in a model-index, by data set and name. Every key that the format demands must exist."""
    return {
        (result["dataset"]["type"], metric["name"]): metric["value"]
        for result in model["results"]
        for metric in result["metrics"]
        if result["task"]["type"] == "image-classification" and result["dataset"]["name"] and metric["type"]
    }


def test_header_of_the_model_card_has_the_values_of_the_saved_results() -> None:
    """`docs/results` is read as plain JSON, so that this does not depend on the code that writes the header."""
    _, header, card = (ROOT / "docs" / "model-card.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(header)
    assert {"license", "library_name", "pipeline_tag", "datasets", "metrics", "model-index"} == metadata.keys()
    (model,) = metadata["model-index"]
    assert f"# Model card: `{model['name']}`" in card
    saved = {
        kind: json.loads((RESULTS_DIR / f"{kind}-{model['name'].removeprefix('mnist-')}.json").read_bytes())
        for kind in ("evaluation", "official-test")
    }
    test, report = saved["evaluation"]["test"], saved["official-test"]
    corruptions = {name: counts["correct"] / counts["pictures"] for name, counts in report["corruptions"].items()}
    worst = min(corruptions, key=lambda name: corruptions[name])
    assert read_metrics(model) == {
        ("mnist", "accuracy"): pytest.approx(sum(test["right"]) / sum(test["pictures"])),
        ("mnist", "accuracy without 15 disputed labels"): pytest.approx(
            report["undisputed"]["correct"] / report["undisputed"]["pictures"], abs=1e-5
        ),
        ("mnist", "expected calibration error"): test["calibration_error"],
        ("mnist_corrupted", "accuracy, mean of 15 corruptions"): pytest.approx(
            sum(corruptions.values()) / 15, abs=1e-5
        ),
        ("mnist_corrupted", f"accuracy, worst: {worst}"): pytest.approx(corruptions[worst], abs=1e-5),
    }
