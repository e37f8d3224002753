from pathlib import Path

import pytest

from src.model.evaluation import processor
from src.model.evaluation.processor import find_processor

CPUINFO = "processor\t: 0\nmodel name\t: A Processor\nflags\t\t: fpu avx2 {flag}\npower management:\n\n"


@pytest.mark.parametrize(("flag", "has_vnni"), [("avx512_vnni", True), ("avx_vnni", True), ("avx512f", False)])
def test_processor_is_read_from_the_system(
    flag: str, has_vnni: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO.format(flag=flag))
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    assert find_processor() == ("A Processor", has_vnni)


def test_processor_is_named_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "missing")
    assert find_processor()[1] is False
