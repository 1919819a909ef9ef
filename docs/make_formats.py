"""Makes docs/formats.md: what each reader says of itself, and what was found in real files.

    python docs/make_formats.py FOLDER_OF_FORMATS FOLDER_OF_PDFS > docs/formats.md

The readers come from the registry. Each folder below the arguments is one kind of source, named by the folder.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from string import Template

from patentclust.errors import SourceError
from patentclust.params import IngestParams
from patentclust.readers import REGISTRY, find_files, read_file
from patentclust.records import Document

HERE = Path(__file__).parent
FIELDS: dict[str, Callable[[Document], object]] = {
    "number": lambda document: not document.doc_id.startswith("sha256:"),
    "title": lambda document: document.title,
    "abstract": lambda document: document.abstract,
    "claims": lambda document: document.claims,
    "description": lambda document: document.description,
    "date": lambda document: document.publication_date,
    "applicant": lambda document: document.applicants or document.assignees,
    "inventor": lambda document: document.inventors,
    "class": lambda document: document.ipc or document.cpc,
    "priority": lambda document: document.priorities,
    "cited": lambda document: document.cited,
    "language": lambda document: document.language,
}


def reader_section(name: str, module: str) -> str:
    """Return what a reader says of itself: its docstring, and how it recognises a file."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    accepts = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "accepts")
    recognised = (ast.get_docstring(accepts) or "").splitlines()[0].removeprefix("Tell whether ")
    about = ast.get_docstring(tree) or ""
    return f"### {name}\n\n{about}\n\nIt takes a file if {recognised}"


def measured(roots: list[Path]) -> tuple[str, str]:
    """Return the table of what was found, and the list of what was not."""
    rows: list[str] = []
    failures: list[str] = []
    for folder in sorted({path.parent for root in roots for path in root.rglob("*") if path.is_file()}):
        label = next(folder.relative_to(root).as_posix() for root in roots if folder.is_relative_to(root))
        documents: dict[str, list[Document]] = defaultdict(list)
        files: dict[str, set[str]] = defaultdict(set)
        reasons: Counter[str] = Counter()
        for file in find_files([folder]):
            if isinstance(file, SourceError):
                reasons[str(file)] += 1
                continue
            if file.path.parent != folder:
                continue
            for item in read_file(file, IngestParams(), sha256="0" * 64):
                if isinstance(item, SourceError):
                    reasons[f"{item} ({item.reader})" if item.reader else str(item)] += 1
                else:
                    documents[item.source_format].append(item)
                    files[item.source_format].add(file.shown)
        for reader, found in sorted(documents.items()):
            counts = [sum(bool(has(document)) for document in found) for has in FIELDS.values()]
            cells = [label or ".", reader, len(files[reader]), len(found), *counts]
            rows.append("| " + " | ".join(map(str, cells)) + " |")
        failures += [f"- {label or '.'}: {_plain(reason)} ({count} times)" for reason, count in sorted(reasons.items())]
    header = ["source", "reader", "files", "documents", *FIELDS]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|", *rows]
    return "\n".join(lines), "\n".join(failures)


def _plain(text: str) -> str:
    return " ".join(text.replace("<", "&lt;").split())


def main() -> None:
    """Write the page to stdout."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    table, failures = measured([Path(argument) for argument in sys.argv[1:]])
    sections = {
        "readers": "\n\n".join(reader_section(name, module) for name, module in REGISTRY.items()),
        "table": table,
        "failures": failures,
        "fuzz": (HERE / "fuzzing.md").read_text(encoding="utf-8").strip(),
    }
    template = Template((HERE / "formats.template.md").read_text(encoding="utf-8"))
    sys.stdout.write(template.substitute(sections) + ("" if template.template.endswith("\n") else "\n"))


if __name__ == "__main__":
    main()
