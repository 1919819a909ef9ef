"""The last step of ingest: how documents belong together. Families, who stands for each, and one name per assignee.

Works on columns, so that texts are copied and never become Python objects.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from patentclust import artifacts
from patentclust.analysis import assignees
from patentclust.analysis.families import Member, find_families, find_representatives
from patentclust.errors import ConfigError
from patentclust.params import toml_string
from patentclust.progress import Task
from patentclust.schemas import DOCUMENTS
from patentclust.stages.repeats import Rows, ahead, regrouped
from patentclust.workspace import Workspace

_TABLE = "merge"
_FAMILY_COLUMNS = (
    "doc_id", "family_id", "application_number", "priorities", "n_texts", "language", "publication_date",
)  # fmt: skip
_NAME_COLUMNS = ("applicants", "assignees")


def load_thesaurus(path: Path) -> dict[str, str]:
    """Read the analyst's thesaurus: normalised variant -> name to use; empty where there is no file.

    Raises:
        ConfigError: the file cannot be read, or is not a table of names with their variants.
    """
    if not path.exists():
        return {}
    form = f'write [{_TABLE}] and below it: "NAME" = ["VARIANT", …]'
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint=form) from error
    merged: dict[str, str] = {}
    for name, variants in tables.get(_TABLE, {}).items():
        if not isinstance(variants, list) or not all(isinstance(variant, str) for variant in variants):
            raise ConfigError(f"{path}: {name!r} has no list of variants", hint=form)
        for variant in (name, *variants):
            key = assignees.normalise(variant)
            if merged.setdefault(key, name) != name:
                raise ConfigError(f"{path}: {variant!r} stands under {merged[key]!r} and {name!r}", hint="keep one")
    if set(tables) - {_TABLE}:
        raise ConfigError(f"{path}: unknown table {min(set(tables) - {_TABLE})!r}", hint=form)
    return merged


def relate(source: Rows, writer: pq.ParquetWriter, *, mode: str, thesaurus: Mapping[str, str], task: Task) -> None:
    """Copy documents from `source`, with `family_id`, `representative` and `assignee_names` filled in.

    Args:
        source: documents with unique keys, as readings hold them.
        task: hears of every document that is written.
        writer: of documents.parquet.
        mode: `simple` or `extended` families.
        thesaurus: normalised name -> name to use.
    """
    members = [member for table in source.tables(_FAMILY_COLUMNS) for member in _members(table)]
    families = find_families(members, mode=mode)
    chosen = find_representatives(members, families)
    start = 0
    for table in ahead(regrouped(source.tables())):
        rows = slice(start, start + len(table))
        filled = {
            "family_id": pa.array(families[rows], pa.string()),
            "representative": pa.array(chosen[rows], pa.bool_()),
            "assignee_names": pa.array(_names(table, thesaurus), DOCUMENTS.schema.field("assignee_names").type),
        }
        for name, column in filled.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), column)
        table = table.select(DOCUMENTS.schema.names).cast(DOCUMENTS.schema)
        writer.write_table(table, row_group_size=artifacts.ROW_GROUP_ROWS)
        start += len(table)
        task.advance(len(table))


def _members(table: pa.Table) -> list[Member]:
    return [
        Member(
            doc_id=row["doc_id"],
            stated=row["family_id"],
            application=row["application_number"],
            priorities=tuple(row["priorities"]),
            n_texts=row["n_texts"],
            language=row["language"],
            published=row["publication_date"],
        )
        for row in table.to_pylist()
    ]


def _names(table: pa.Table, thesaurus: Mapping[str, str]) -> list[tuple[str, ...]]:
    applicants, owners = (table[name].to_pylist() for name in _NAME_COLUMNS)
    return [assignees.apply(owner or applicant, thesaurus) for applicant, owner in zip(applicants, owners, strict=True)]


def suggest_merges(workspace: Workspace, *, least: float) -> list[assignees.Suggestion]:
    """Propose merges among the assignees of a workspace, by fuzzy match; `least` likeness runs from 0 to 100.

    Raises:
        ArtifactError: there are no documents.
    """
    table = artifacts.read_table(workspace.documents, kind="documents", columns=["assignee_names"])
    return assignees.suggest(assignees.count_names(table["assignee_names"].to_pylist()), least=least)


def thesaurus_toml(suggestions: Sequence[assignees.Suggestion]) -> str:
    """Return proposals as the text of a thesaurus, each with its figures as a comment."""
    lines = [f"[{_TABLE}]"]
    for suggestion in suggestions:
        variants = ", ".join(toml_string(variant) for variant in suggestion.variants)
        lines.append(f"# {suggestion.n_documents} documents, likeness {suggestion.score:.0f} or more")
        lines.append(f"{toml_string(suggestion.name)} = [{variants}]")
    return "\n".join(lines) + "\n"
