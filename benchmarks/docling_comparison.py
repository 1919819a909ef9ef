"""The same patents read by docling and by patentclust: fields filled and characters of text, side by side.

docling lives in an environment of its own, so this runs twice, with a file in between:

    DOCLING_PYTHON benchmarks/docling_comparison.py export FOLDER docling.json
    python benchmarks/docling_comparison.py compare FOLDER docling.json

`FOLDER` holds one folder a format, as docling's USPTO backend is offered them: file by file, and members of zips one by
one. Characters are counted without blanks, so that neither gains by its spacing.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACTS = (
    *("doc_id", "country", "kind", "publication_date", "filing_date", "application_number", "priorities"),
    *("applicants", "assignees", "inventors", "ipc", "cpc", "cited", "language"),
)
TEXTS = ("title", "abstract", "claims", "description")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("export", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "export":
        arguments.file.write_text(json.dumps(export(arguments.folder), ensure_ascii=False), encoding="utf-8")
    else:
        compare(arguments.folder, json.loads(arguments.file.read_text(encoding="utf-8")))


def export(folder: Path) -> dict[str, Any]:
    """Read every file with docling."""
    from docling.datamodel.base_models import DocumentStream, InputFormat
    from docling.document_converter import DocumentConverter

    converter = DocumentConverter(allowed_formats=[InputFormat.XML_USPTO])
    found = {}
    for name, data in sources(folder):
        stream = DocumentStream(name=Path(name).name.rsplit("!", 1)[-1], stream=io.BytesIO(data))
        started = time.perf_counter()
        result = converter.convert(stream, raises_on_error=False)
        seconds = time.perf_counter() - started
        texts = parts(result.document) if result.status.value == "success" else None
        found[name] = {"status": result.status.value, "seconds": seconds, "texts": texts}
        print(name, result.status.value, file=sys.stderr)
    return found


def sources(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() != ".dtd"):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() != ".zip":
            yield name, path.read_bytes()
            continue
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith((".xml", ".txt")):
                    yield f"{name}!{member.filename}", archive.read(member)


def parts(document: Any) -> dict[str, Any]:
    """Sort docling's texts by the headings `ABSTRACT` and `CLAIMS` that its backend puts before them."""
    found: dict[str, list[str]] = {name: [] for name in TEXTS}
    part = "description"
    for item in document.texts:
        label = item.label.value
        if label == "title":
            found["title"].append(item.text)
        elif label == "section_header" and item.text in ("ABSTRACT", "CLAIMS"):
            part = item.text.lower()
        elif label == "section_header":
            part = "description"
            found[part].append(item.text)
        else:
            found[part].append(item.text)
            # The abstract is one paragraph; what follows it without a heading is the description.
            part = "description" if part == "abstract" else part
    cells = [cell.text for table in document.tables for row in table.data.grid for cell in row]
    return {**found, "tables": cells}


def compare(folder: Path, docling: dict[str, Any]) -> None:
    ours = read_with_patentclust(folder, {name.split("/", 1)[0] for name in docling})
    print("| format | files | docling: documents | failed or refused | s | patentclust: documents | failures | s |")
    print("|---|---|---|---|---|---|---|---|")
    for group in sorted(ours):
        theirs = [entry for name, entry in docling.items() if name.split("/", 1)[0] == group]
        read = [entry for entry in theirs if entry["texts"]]
        documents, n_failures, seconds = ours[group]
        print(
            f"| {group} | {len(theirs)} | {len(read)} | {len(theirs) - len(read)} "
            f"| {sum(entry['seconds'] for entry in theirs):.2f} | {len(documents)} | {n_failures} | {seconds:.2f} |"
        )
    print()
    compare_texts(docling, ours)
    print()
    compare_fields(docling, ours)


def read_with_patentclust(folder: Path, groups: set[str]) -> dict[str, tuple[list[Any], int, float]]:
    from patentclust.errors import SourceError
    from patentclust.params import IngestParams
    from patentclust.readers import find_files, read_file

    found = {}
    for group in groups:
        started = time.perf_counter()
        items = [
            item
            for file in find_files([folder / group])
            for item in ([file] if isinstance(file, SourceError) else read_file(file, IngestParams(), sha256="0"))
        ]
        documents = [item for item in items if not isinstance(item, SourceError)]
        found[group] = (documents, len(items) - len(documents), time.perf_counter() - started)
    return found


def compare_texts(docling: dict[str, Any], ours: dict[str, tuple[list[Any], int, float]]) -> None:
    print("Characters of the documents that both read, docling / patentclust:")
    print()
    print("| format | documents | title | abstract | claims | n claims | description | cells of tables |")
    print("|---|---|---|---|---|---|---|---|")
    for group, (documents, _, _) in sorted(ours.items()):
        pairs = paired(group, docling, documents)
        if not pairs:
            continue
        cells = []
        for name in TEXTS:
            theirs = sum(size("".join(texts[name])) for texts, _ in pairs)
            own = sum(size("".join(getattr(document, name))) for _, document in pairs)
            cells.append(f"{theirs:,} / {own:,}")
        n_claims = [sum(len(texts["claims"]) for texts, _ in pairs), sum(len(document.claims) for _, document in pairs)]
        cells.insert(3, f"{n_claims[0]} / {n_claims[1]}")
        tables = sum(size("".join(texts["tables"])) for texts, _ in pairs)
        print(f"| {group} | {len(pairs)} | {' | '.join(cells)} | {tables:,} / placeholder |")


def paired(group: str, docling: dict[str, Any], documents: list[Any]) -> list[tuple[dict[str, Any], Any]]:
    """Match documents by the path of their file, where one file is one document for both."""
    by_path: dict[str, list[Any]] = {}
    for document in documents:
        by_path.setdefault(document.source_path.replace("\\", "/"), []).append(document)
    pairs = []
    for name, entry in docling.items():
        if name.split("/", 1)[0] == group and entry["texts"]:
            same = [found for path, found in by_path.items() if path.endswith(name)]
            if len(same) == 1 and len(same[0]) == 1:
                pairs.append((entry["texts"], same[0][0]))
    return pairs


def compare_fields(docling: dict[str, Any], ours: dict[str, tuple[list[Any], int, float]]) -> None:
    documents = [document for found, _, _ in ours.values() for document in found]
    print(f"Facts that patentclust fills in {len(documents)} documents; docling's USPTO backend gives none of them:")
    print()
    print("| field | documents |")
    print("|---|---|")
    for name in FACTS:
        print(f"| {name} | {sum(bool(getattr(document, name)) for document in documents)} |")


def size(text: str) -> int:
    return sum(not character.isspace() for character in text)


if __name__ == "__main__":
    main()
