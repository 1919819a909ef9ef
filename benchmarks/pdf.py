"""Readers of PDF side by side: characters recovered and seconds, file by file.

    python benchmarks/pdf.py FOLDER [--ocr] [--docling docling.json]
    DOCLING_PYTHON benchmarks/pdf.py FOLDER --export-docling docling.json

Characters are counted without blanks. `pypdf` and `PDFium` are the libraries as they come, each page's text in the
order of the file; `ours` is what `patentclust ingest` makes of one: title, abstract, claims and description, without
running heads, line numbers and drawing sheets, so that fewer characters there are not lost ones. docling's own pipeline
needs models from the network; what can be compared without them is the text of its parser.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ocr", action="store_true", help="also read scanned pages by OCR")
    parser.add_argument("--docling", type=Path, help="what --export-docling wrote")
    parser.add_argument("--export-docling", type=Path, help="run docling's parser and write its figures here")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    paths = sorted(arguments.folder.rglob("*.pdf"))
    if arguments.export_docling:
        figures = {path.relative_to(arguments.folder).as_posix(): measured(with_docling, path) for path in paths}
        arguments.export_docling.write_text(json.dumps(figures), encoding="utf-8")
        return
    docling = json.loads(arguments.docling.read_text(encoding="utf-8")) if arguments.docling else {}
    show(paths, arguments.folder, docling, ocr=arguments.ocr)


def show(paths: list[Path], folder: Path, docling: dict[str, list[str]], *, ocr: bool) -> None:
    readers: list[tuple[str, Callable[[Path], str]]] = [
        ("pypdf", with_pypdf),
        ("PDFium", with_pdfium),
        ("ours", with_ours),
        *([("ours, OCR", with_ocr)] if ocr else []),
    ]
    names = [name for name, _ in readers] + (["docling-parse"] if docling else [])
    print("| file | " + " | ".join(f"{name} | s" for name in names) + " |")
    print("|---" * (1 + 2 * len(names)) + "|")
    # The first call of each pays for its imports and for starting the process of the guard.
    for _, reader in readers[:3]:
        measured(reader, paths[0])
    for path in paths:
        name = path.relative_to(folder).as_posix()
        cells = [cell for _, reader in readers for cell in measured(reader, path)]
        print(f"| {name} | " + " | ".join([*cells, *docling.get(name, [])]) + " |", flush=True)


def measured(reader: Callable[[Path], str], path: Path) -> list[str]:
    started = time.perf_counter()
    try:
        n_chars = f"{sum(not character.isspace() for character in reader(path)):,}"
    except Exception as error:  # noqa: BLE001 - that a library fails, and how, is what is measured
        n_chars = type(error).__name__
    return [n_chars, f"{time.perf_counter() - started:.2f}"]


def with_pypdf(path: Path) -> str:
    from pypdf import PdfReader

    reader = PdfReader(path)
    if reader.is_encrypted:
        reader.decrypt("")
    return "\n".join(page.extract_text() for page in reader.pages)


def with_pdfium(path: Path) -> str:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def with_ours(path: Path, *, ocr: bool = False) -> str:
    from patentclust.errors import SourceError
    from patentclust.params import IngestParams
    from patentclust.readers import find_files, read_file

    (file,) = find_files([path])
    if isinstance(file, SourceError):
        raise file
    texts: list[str] = []
    # A file may hold the front pages of several publications.
    for found in read_file(file, IngestParams(ocr=ocr), sha256="0"):
        if isinstance(found, SourceError):
            raise found
        texts += [found.title, found.abstract, *found.claims, found.description]
    return "\n".join(texts)


def with_ocr(path: Path) -> str:
    return with_ours(path, ocr=True)


def with_docling(path: Path) -> str:
    from docling_core.types.doc.page import TextCellUnit
    from docling_parse.pdf_parser import DoclingPdfParser

    document = DoclingPdfParser(loglevel="fatal").load(path_or_stream=str(path))
    return "\n".join(
        cell.text for _, page in document.iterate_pages() for cell in page.iterate_cells(unit_type=TextCellUnit.LINE)
    )


if __name__ == "__main__":
    main()
