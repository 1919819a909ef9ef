"""Write patents as tables: JSON lines with lists, CSV with the column names of patent searches."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from making.source import Corpus, Patent

ABBREVIATIONS = {"id": "ID", "ipc": "IPC", "cpc": "CPC"}


def json_lines(patents: Iterable[Patent], corpus: Corpus) -> bytes:
    """Return one JSON object a line."""
    return "".join(json.dumps(row(p, corpus), ensure_ascii=False) + "\n" for p in patents).encode()


def csv_table(patents: Iterable[Patent], corpus: Corpus) -> bytes:
    """Return a table with a head; claims stand on lines of their own, other lists are joined by semicolons."""
    rows = [row(patent, corpus) for patent in patents]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column_name(key) for key in rows[0])
    writer.writerows([cell(key, value) for key, value in line.items()] for line in rows)
    return out.getvalue().encode()


def row(patent: Patent, corpus: Corpus) -> dict[str, str | list[str]]:
    """Return what a table says of a patent."""
    return {
        "publication_number": patent.doc_id,
        "title": patent.title,
        "abstract": patent.abstract,
        "claims": [f"{n}. {claim}" for n, claim in enumerate(patent.claims, start=1)],
        "description": patent.description.strip(),
        "applicants": patent.applicants,
        "inventors": patent.inventors,
        "ipc": patent.ipc,
        "cpc": patent.cpc,
        "publication_date": patent.published.isoformat(),
        "filing_date": patent.filed.isoformat(),
        "priority_date": patent.priority.isoformat(),
        "application_number": f"{patent.country}-{patent.application}",
        "priority_numbers": ["-".join(patent.priority_claim)],
        "cited_patents": [corpus[key].doc_id for key in patent.cites],
        "language": patent.language,
        "family_id": patent.family_number,
    }


def cell(key: str, value: str | list[str]) -> str:
    """Return a value as the text of a cell."""
    if isinstance(value, str):
        return value
    return ("\n" if key == "claims" else "; ").join(value)


def column_name(key: str) -> str:
    """Return `Family ID` for `family_id`."""
    return " ".join(ABBREVIATIONS.get(word, word.capitalize()) for word in key.split("_"))
