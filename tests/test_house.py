"""The rules of the house that a machine can count."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import patentclust

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "patentclust").rglob("*.py"))
TEMPLATES = sorted((ROOT / "patentclust" / "render" / "templates").iterdir())
MOST_FUNCTION_LINES, MOST_FILE_LINES, MOST_PARAMETERS = 60, 400, 6
DOORS = {
    "llama_cpp": {"embedders/llama.py"},
    "bm25s": {"stages/passages.py"},
    "faiss": {"stages/cells.py"},
    "psycopg": {"stages/pushing_sql.py"},
    "pymilvus": {"stages/pushing_milvus.py"},
    "umap": {"analysis/reduction.py"},
    "hdbscan": {"analysis/density.py"},
    "py3langid": {"readers/language.py"},
    "pypdf": {"readers/pdf_stream.py"},
    "pypdfium2": {"readers/pdf_boxes.py"},
    "rapidocr": {"readers/pdf_ocr.py"},
    "graspologic_native": {"analysis/communities.py"},
    "numba": {"analysis/compiled.py", "analysis/clusterers.py"},
    "lxml": {"readers/"},
    "rich": {"console.py"},
    "typer": {"cli/"},
}


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_functions_and_files_stay_readable() -> None:
    files = (*SOURCES, *TEMPLATES)
    long_files = [f"{p.name}: {n}" for p in files if (n := len(p.read_text().splitlines())) > MOST_FILE_LINES]
    long_functions = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert long_files == []
    assert long_functions == []


def test_functions_take_few_parameters() -> None:
    # A command's parameters are its flags.
    crowded = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in SOURCES
        if path.parent.name != "cli"
        for node in functions(path)
        if len(
            [
                a
                for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                if a.arg not in ("self", "cls")
            ]
        )
        > MOST_PARAMETERS
    ]
    assert crowded == []


def test_each_foreign_library_has_one_door() -> None:
    strays = []
    for path in SOURCES:
        relative = path.relative_to(ROOT / "patentclust").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names = [node.module.split(".")[0]]
            strays += [
                f"{relative} imports {name}"
                for name in names
                if name in DOORS and not any(relative.startswith(door) for door in DOORS[name])
            ]
    assert strays == []


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert [
        p.name for p in SOURCES if any(word in p.stem for word in ("util", "helper", "manager", "misc", "common"))
    ] == []


def test_help_answers_without_the_heavy_libraries() -> None:
    script = (
        "import sys; from patentclust import cli\n"
        "sys.argv = ['patentclust', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'numba', 'umap', 'hdbscan', 'sklearn', 'pyarrow', 'llama_cpp', 'pypdf', 'lxml', 'huggingface_hub'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert "ingest" in result.stdout


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    script = "import sys, patentclust; print([m for m in sys.modules if m.startswith('patentclust.')])"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_the_changelog_knows_the_version() -> None:
    assert f"## {patentclust.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
