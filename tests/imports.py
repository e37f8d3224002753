"""Which files of this repository a module imports."""

import ast
from pathlib import PurePosixPath

from src.settings import ROOT


def imported_files(start: str) -> set[str]:
    """Return the files of this repository that importing `start` reads, including itself."""
    files: set[str] = set()
    pending = [start]
    while pending:
        file = pending.pop()
        if file in files or not (ROOT / file).is_file():
            continue
        files.add(file)
        pending += [str(folder / "__init__.py") for folder in PurePosixPath(file).parents]
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            prefix = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in prefix + [".".join([*prefix, name]) for name in names]:
                pending.append(f"{name.replace('.', '/')}.py")
    return files
