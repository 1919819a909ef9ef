"""Read the invented patents from TOML and derive their numbers from their places in the files.

The numbers lie outside the ranges that offices use. Knows nothing of file formats.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

# By the code in the ids. The place in this table is a digit of every English number: append, never reorder.
TECHNOLOGIES = {
    "ml": "machine_learning",
    "wc": "wireless_communication",
    "ge": "gene_editing",
    "bm": "battery_materials",
    "ip": "image_processing",
    "bc": "blockchain",
    "rc": "robot_control",
}
# Where an applicant is at home: the first pattern that its name matches, else the United States.
COUNTRIES = (
    (r"^(Daeryun|Hanbit|Haneul|Hwaseong|Seoran|Sungrae)\b", "KR"),
    (r"^(Huachen|Jinlan|Jinshui|Minjiang|Qianhe|Qinglan)\b", "CN"),
    (r"^(Hakuryo|Kitahama)\b|\bKK$|K\.K\.$", "JP"),
    (r"\b(GmbH|AG)$", "DE"),
    (r"\b(SAS?)$|^Institut ", "FR"),
    (r"\bPty Ltd$", "AU"),
    (r"\bPte\. Ltd\.$", "SG"),
    (r"\bPvt\. Ltd\.$", "IN"),
    (r"\bAB$", "SE"),
    (r"\bAS$", "NO"),
    (r"\bOy$", "FI"),
    (r"\bBV$", "NL"),
    (r"\bSL$", "ES"),
    (r"S\.p\.A\.$", "IT"),
    (r"\ba\.s\.$", "CZ"),
    (r"\bLtd$|^Penhallow ", "GB"),
)


@dataclass(frozen=True, eq=False)
class Patent:
    """Hold one entry of the sources; its numbers follow from `series` (the file) and `position` (in the file)."""

    id: str
    format: str
    title: str
    applicants: list[str]
    inventors: list[str]
    priority: date
    filed: date
    published: date
    ipc: list[str]
    cpc: list[str]
    family: str
    cites: list[str]
    abstract: str
    claims: list[str]
    description: str
    series: int
    position: int
    members: list[Patent]  # of the family, this patent among them
    language: str = "en"

    @property
    def technology(self) -> str:
        """Return the technology that the id names: `ml-01` or `zh-ml-1`."""
        return TECHNOLOGIES[self.id.split("-")[-2]]

    @property
    def country(self) -> str:
        """Return the office that publishes the patent."""
        return {"zh": "CN", "ja": "JP"}.get(self.language) or ("EP" if self.format == "ep" else "US")

    @property
    def number(self) -> str:
        """Return the publication number."""
        match self.format:
            case "table":
                return f"9981{self.position:05d}" if self.country == "CN" else f"20299{self.position:05d}"
            case "ep":
                return f"98{self.series}{self.position:04d}"
            case "us-application":
                return f"{self.published.year}98{self.series}{self.position:04d}"
        return f"980{self.series}{self.position:04d}"

    @property
    def kind(self) -> str:
        """Return the ST.16 kind; a US grant is B1 unless its application was published before."""
        if self.format in ("us-grant", "pdf"):
            return "B2" if any(other.format == "us-application" for other in self.members) else "B1"
        return "A" if self.format == "table" else "A1"

    @property
    def doc_id(self) -> str:
        """Return `US-98010001-B2`."""
        return f"{self.country}-{self.number}-{self.kind}"

    @property
    def file_stem(self) -> str:
        """Return `US98010001B2`."""
        return self.doc_id.replace("-", "")

    @property
    def application(self) -> str:
        """Return the application number; members filed at one office share that of the first of them."""
        first = next(other for other in self.members if other.country == self.country)
        return application_number(first, self.filed.year)

    @property
    def priority_claim(self) -> tuple[str, str]:
        """Return (country, number) of the application whose priority the whole family claims."""
        for other in self.members:
            if other.priority == other.filed:
                return other.country, other.application
        head = self.members[0]
        if head.format == "table":
            return head.country, application_number(head, head.priority.year)
        country = applicant_country(head.applicants[0])
        if country == "US":
            return country, f"979{head.series}{head.position:04d}"
        return country, f"{head.priority.year}98{head.series}{head.position:04d}"

    @property
    def family_number(self) -> str:
        """Return the number that all members of the family share."""
        head = self.members[0]
        return f"98{head.series}{head.position:05d}"

    @property
    def sections(self) -> list[tuple[str, list[str]]]:
        """Return the description as (heading, paragraphs)."""
        parts = re.split(r"^# ", self.description.strip(), flags=re.MULTILINE)[1:]
        split = (part.partition("\n") for part in parts)
        return [(heading, body.strip().split("\n\n")) for heading, _, body in split]

    @property
    def n_figures(self) -> int:
        """Return the highest number of a figure that the description mentions."""
        found = re.findall(r"\b(?:FIG\.|Fig\.|Figure) (\d+)", self.description)
        return max(map(int, found), default=0)


Corpus = dict[str, Patent]


def load(source: Path) -> Corpus:
    """Read all sources: English entries first, in the order of the technologies.

    Raises:
        ValueError: two entries share an id.
    """
    corpus: Corpus = {}
    families: dict[str, list[Patent]] = {}
    for series, name in (*enumerate(TECHNOLOGIES.values(), start=1), (0, "multilingual")):
        entries = tomllib.loads((source / f"{name}.toml").read_text(encoding="utf-8"))["patent"]
        for position, entry in enumerate(entries, start=1):
            members = families.setdefault(entry["family"], [])
            patent = Patent(**entry, series=series, position=position, members=members)
            if patent.id in corpus:
                raise ValueError(f"two entries share the id {patent.id}")
            corpus[patent.id] = patent
            members.append(patent)
    return corpus


def application_number(patent: Patent, year: int) -> str:
    """Return the number that a patent's application of that year would bear, in the style of its office."""
    series, position = patent.series, patent.position
    match patent.country:
        case "CN":
            return f"{year}198{position:05d}"
        case "JP":
            return f"{year}-9{position:05d}"
        case "EP":
            digits = f"{year % 100:02d}98{series}{position:03d}"
            # EPO check digit: digits weighted 1, 2, 1, 2 .., digit sums added, what lacks to the next ten.
            total = sum(sum(map(int, str(int(d) * (1 + i % 2)))) for i, d in enumerate(digits))
            return f"{digits}.{-total % 10}"
    return f"989{series}{position:04d}"


def applicant_country(name: str) -> str:
    """Return the country of an applicant by the legal form in its name."""
    return next((country for pattern, country in COUNTRIES if re.search(pattern, name)), "US")


def split_name(name: str) -> tuple[str, str]:
    """Split `Ana van der Berg` into given names and surname; particles belong to the surname."""
    words = name.split()
    cut = next((i for i, w in enumerate(words[1:], start=1) if w[0].islower()), len(words) - 1)
    return " ".join(words[:cut]), " ".join(words[cut:])
