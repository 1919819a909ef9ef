"""What readers produce. Knows nothing of files, Parquet or any patent dialect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Document:
    """Hold one publication as its source states it; absent text is "", absent facts are None or ().

    `doc_id` is `CC-NUMBER-KIND` (WIPO ST.3 country, number without leading zeros, ST.16 kind), or `sha256:<16 hex>`
    of the file where it states no number. `claims` and `independent` have equal length. `ipc` and `cpc` are written
    `H01M10/0525`, main class first; `additional_classes` are those among them that the office gives as additional
    information. `inventor_countries` are where inventors live (ST.3), each once. `priorities` are application numbers
    as `CC-NUMBER`.
    `family_id` is what the source states; ingest fills it for the rest, and alone sets `assignee_names` and
    `representative`.
    """

    doc_id: str
    title: str = ""
    abstract: str = ""
    claims: tuple[str, ...] = ()
    independent: tuple[bool, ...] = ()
    description: str = ""
    language: str | None = None
    country: str | None = None
    kind: str | None = None
    family_id: str | None = None
    application_number: str | None = None
    priorities: tuple[str, ...] = ()
    priority_date: date | None = None
    filing_date: date | None = None
    publication_date: date | None = None
    applicants: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    inventors: tuple[str, ...] = ()
    inventor_countries: tuple[str, ...] = ()
    assignee_names: tuple[str, ...] = ()
    cpc: tuple[str, ...] = ()
    ipc: tuple[str, ...] = ()
    additional_classes: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    source_path: str = ""
    source_sha256: str = ""
    source_format: str = ""
    warnings: tuple[str, ...] = ()
    representative: bool = True

    @property
    def n_texts(self) -> int:
        """Count which of title, abstract, claims and description it has."""
        return sum(map(bool, (self.title, self.abstract, self.claims, self.description)))

    @property
    def n_chars(self) -> int:
        """Count the characters of all text fields."""
        fields: Iterable[str] = (self.title, self.abstract, self.description, *self.claims)
        return sum(len(field) for field in fields)
