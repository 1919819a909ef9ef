"""THE CONTRACT: every artifact, column, type, unit and metadata key. `docs/contract.md` is generated from here.

One row is one thing, named by its key; keys are strings (or small integers for clusters) and never null. Additive
changes keep SCHEMA_VERSION; anything else raises it. Knows nothing of files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from patentclust.scores import SCORES

SCHEMA_VERSION = 1
METADATA_PREFIX = "patentclust."
NOISE = -1
# The column of documents.parquet that names the unit a document belongs to.
UNIT_KEYS = {"family": "family_id", "document": "doc_id"}

METADATA_KEYS = {
    "kind": "which artifact this is",
    "schema": "version of this contract",
    "version": "version of patentclust that wrote the file",
    "params": "the parameters that shaped the answer, as canonical JSON; no paths, no secrets",
    "inputs": "JSON object: kind of each upstream artifact and its fingerprint",
    "fingerprint": "sha256 over all that changes the answer: kind, schema, params, inputs, model",
    "model": "JSON object: the model's name, file sha256, window, prompt; from clusters on, also what was embedded",
    "libraries": "JSON object: versions of the libraries that shaped the answer",
    "unit": "what one unit is: `document` or `family`",
    "scores": "JSON object: scores of the whole clustering (topics)",
    "files": "JSON list: the files of a reading, with what was found in each (readings)",
    "counts": "JSON object: nodes, edges by kind, and citations to patents outside the corpus (nodes)",
    "packing": "JSON object: how texts were packed into model calls (embeddings)",
    "failed": "JSON object: units that got no vector, and why (embeddings)",
}


@dataclass(frozen=True)
class Artifact:
    """One kind of Parquet file: its key columns and its schema."""

    kind: str
    key: tuple[str, ...]
    schema: pa.Schema


def counted(n: int, noun: str) -> str:
    """Return a number of things, the noun in its plural unless it is one: `1 family`, `1,200 documents`."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else many}"


def _field(name: str, type_: pa.DataType, description: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"description": description})


def _required(name: str, type_: pa.DataType, description: str) -> pa.Field:
    return _field(name, type_, description, nullable=False)


_STRINGS = pa.list_(pa.field("item", pa.string(), nullable=False))
_VECTOR_UNITS = "float16, unit length, computed in float32"

DOCUMENTS = Artifact(
    "documents",
    ("doc_id",),
    pa.schema(
        [
            _required(
                "doc_id",
                pa.string(),
                "`CC-NUMBER-KIND` (ST.3 country, number, ST.16 kind), else `sha256:<16 hex>` of file or application",
            ),
            _field("family_id", pa.string(), "patent family: as a source states it (DOCDB), else by priorities"),
            _required("title", pa.string(), "title, empty when the source has none"),
            _required("abstract", pa.string(), "abstract, paragraphs joined by a line feed"),
            _required("claims", _STRINGS, "claims in order, each with its number as printed"),
            _required(
                "independent",
                pa.list_(pa.field("item", pa.bool_(), nullable=False)),
                "for each claim: refers to no other claim",
            ),
            _required("description", pa.string(), "description, one paragraph or heading a line"),
            _field("language", pa.string(), "BCP 47 language of the text"),
            _field("country", pa.string(), "publishing office, ST.3"),
            _field("kind", pa.string(), "kind code, ST.16"),
            _field("application_number", pa.string(), "application number, `CC-NUMBER`"),
            _required("priorities", _STRINGS, "priority application numbers, `CC-NUMBER`"),
            _field("priority_date", pa.date32(), "earliest priority date; null when the source states none"),
            _field("filing_date", pa.date32(), "filing date of the application"),
            _field("publication_date", pa.date32(), "publication date"),
            _required("applicants", _STRINGS, "applicants in order, as printed"),
            _required("assignees", _STRINGS, "assignees or proprietors in order, as printed"),
            _required(
                "assignee_names", _STRINGS, "assignees, else applicants, in one form a company; see assignees.toml"
            ),
            _required("inventors", _STRINGS, "inventors in order, given name first where it is told apart"),
            _required("inventor_countries", _STRINGS, "where inventors live (WIPO ST.3), each country once, as stated"),
            _required("cpc", _STRINGS, "CPC symbols as `H01M10/0525`, first = main"),
            _required("ipc", _STRINGS, "IPC symbols as `H01M10/0525`, first = main"),
            _required(
                "additional_classes",
                _STRINGS,
                "those of cpc and ipc that the office gives as additional information, not of the invention",
            ),
            _required("cited", _STRINGS, "cited publications, `CC-NUMBER-KIND` as far as the source states it"),
            _required(
                "source_path",
                pa.string(),
                "file as given by the user; `!` separates an archive from its member, `#` a document in a file",
            ),
            _required("source_sha256", pa.string(), "sha256 of the file on disk"),
            _required("source_format", pa.string(), "reader that read it"),
            _required("warnings", _STRINGS, "what the reader could not do fully, one sentence each"),
            _required("representative", pa.bool_(), "stands for its family where units are families"),
        ]
    ),
)

FAILURES = Artifact(
    "failures",
    ("source_path",),
    pa.schema(
        [
            _required("source_path", pa.string(), "file, archive member or row that could not be read"),
            _required("source_sha256", pa.string(), "sha256 of the file on disk, empty when it could not be opened"),
            _required("reader", pa.string(), "reader that tried, empty when none accepted it"),
            _required("error", pa.string(), "class of the error"),
            _required("message", pa.string(), "what, where, expected and got"),
            _required("hint", pa.string(), "what to do about it"),
        ]
    ),
)


def embeddings(dim: int, *, passages: bool = False) -> Artifact:
    """Return the contract of one shard of `dim`-dimensional vectors; those of passages say which."""
    where = [
        _required("parent_id", pa.string(), "document or family that the passage is of"),
        _required("start", pa.int32(), "first character of the passage in the embedded text"),
        _required("stop", pa.int32(), "character after its last"),
    ]
    return Artifact(
        "embeddings",
        ("unit_id",),
        pa.schema(
            [
                _required("unit_id", pa.string(), "what the vector stands for: document, family, or passage"),
                _required("text_sha256", pa.string(), "sha256 of the text before the prompt template"),
                _required(
                    "vector",
                    pa.list_(pa.field("item", pa.float16(), nullable=False), dim),
                    f"embedding: {_VECTOR_UNITS}",
                ),
                _required("n_tokens", pa.int32(), "tokens of the whole text in its template, special tokens included"),
                _required("n_tokens_used", pa.int32(), "tokens that shaped the vector, over all windows"),
                _required("n_windows", pa.int32(), "windows that were averaged; 1 for a text that fits"),
                _required("truncated", pa.bool_(), "the tail of the text was cut"),
                _field("from_description", pa.bool_(), "no title, abstract or claims: the description's opening"),
                *(where if passages else []),
            ]
        ),
    )


CLUSTERS = Artifact(
    "clusters",
    ("unit_id", "layer"),
    pa.schema(
        [
            _required("unit_id", pa.string(), "document or family"),
            _required("layer", pa.int32(), "0 = finest"),
            _required("cluster_id", pa.int32(), "0 = largest; -1 = noise"),
            _required("probability", pa.float32(), "strength of membership, 0 to 1; 0 for noise"),
            _field(
                "outlier_score",
                pa.float32(),
                "0 to 1: GLOSH (hdbscan), else how much sparser than its neighbours; null where the corpus is too "
                "small to say",
            ),
            _field("silhouette", pa.float32(), "cosine silhouette in the original space, -1 to 1; null for noise"),
            _required("x", pa.float32(), "map position"),
            _required("y", pa.float32(), "map position"),
            _field("runner_up", pa.int32(), "cluster that comes after the own; null where no neighbour is in another"),
            _field("runner_up_share", pa.float32(), "share of the ties to neighbours that go to the runner-up"),
        ]
    ),
)


def topics(dim: int) -> Artifact:
    """Return the contract of the topics of a map made from `dim`-dimensional vectors."""
    term = pa.struct(
        [
            pa.field("term", pa.string(), nullable=False),
            pa.field("weight", pa.float32(), nullable=False),
        ]
    )
    return Artifact(
        "topics",
        ("layer", "cluster_id"),
        pa.schema(
            [
                _required("layer", pa.int32(), "0 = finest"),
                _required("cluster_id", pa.int32(), "0 = largest; noise has no row"),
                _required("size", pa.int32(), "members"),
                _required("label", pa.string(), "short name: of the leading terms, or a chat server's"),
                _required(
                    "terms",
                    pa.list_(pa.field("item", term, nullable=False)),
                    "leading terms by class-based TF-IDF, and by the model where it named; heaviest first",
                ),
                _required("exemplars", _STRINGS, "most central members (medoid first), by cosine to the centroid"),
                _required(
                    "centroid",
                    pa.list_(pa.field("item", pa.float16(), nullable=False), dim),
                    f"mean direction of the members: {_VECTOR_UNITS}",
                ),
                _field("persistence", pa.float32(), "HDBSCAN's persistence of the cluster, 0 to 1"),
                _field("silhouette", pa.float32(), "mean cosine silhouette of the members"),
                _field(
                    "stability",
                    pa.float32(),
                    "share of pairs of members that other seeds keep together; null if unmeasured",
                ),
                _field("parent_id", pa.int32(), "cluster of the next layer that holds it; null in the coarsest"),
                _field("named_by", pa.string(), "who gave the label: terms, model, llm"),
            ]
        ),
    )


NODES = Artifact(
    "nodes",
    ("node_id",),
    pa.schema(
        [
            _required("node_id", pa.string(), "`kind:key`"),
            _required("kind", pa.string(), "`patent`, `cluster`, `assignee`, `inventor`, `class` or `term`"),
            _required("key", pa.string(), "doc_id, cluster_id, subclass, or the name in capitals"),
            _required("label", pa.string(), "title, name or term, at most 300 characters"),
            _field("url", pa.string(), "where a patent can be read"),
            _field("cluster_id", pa.int32(), "of a patent (-1 = noise, null = not on the map) or a cluster"),
            _field("year", pa.int32(), "of a patent: earliest priority, else filing, else publication"),
            _field("x", pa.float32(), "map position of a patent"),
            _field("y", pa.float32(), "map position of a patent"),
            _required("printed", pa.list_(pa.string()), "of an assignee: its name as printed, each form once"),
            _field("n_families", pa.int32(), "of a cluster, assignee, inventor or class: families of its patents"),
            _required("n_links", pa.int32(), "edges that begin or end here"),
        ]
    ),
)

EDGES = Artifact(
    "edges",
    ("source", "target", "kind"),
    pa.schema(
        [
            _required("source", pa.string(), "node_id"),
            _required("target", pa.string(), "node_id"),
            _required(
                "kind",
                pa.string(),
                "from a patent: `member` (of a cluster), `similar`, `cites`, `filed_by`, `invented_by`, "
                "`classified_in`; from a cluster: `described_by` (a term)",
            ),
            _required(
                "weight",
                pa.float32(),
                "member: probability; similar: cosine, each pair once; described_by: weight of the term; else 1",
            ),
        ]
    ),
)


def markdown() -> str:
    """Return the contract as a Markdown page."""
    lines = [
        "# The contract",
        "",
        "Generated from `patentclust/schemas.py` by `python -m patentclust.schemas`; do not edit.",
        "",
        f"Schema version {SCHEMA_VERSION}. Stages meet only in these files; anything that reads Parquet reads them.",
        "",
    ]
    named: list[tuple[str, Artifact]] = [
        ("documents.parquet", DOCUMENTS),
        ("failures.parquet", FAILURES),
        ("embeddings/<task>/part-NNNNN.parquet", embeddings(2560)),
        ("embeddings/retrieve/part-NNNNN.parquet", embeddings(2560, passages=True)),
        ("clusters.parquet", CLUSTERS),
        ("topics.parquet", topics(2560)),
        ("graph/nodes.parquet", NODES),
        ("graph/edges.parquet", EDGES),
    ]
    for file_name, artifact in named:
        lines += [f"## {file_name}", "", f"Key: {', '.join(f'`{k}`' for k in artifact.key)}", ""]
        lines += ["| column | type | may be null | meaning |", "|---|---|---|---|"]
        lines += [_row(field) for field in artifact.schema]
        lines.append("")
    lines += [
        "## File metadata",
        "",
        f"Keys carry the prefix `{METADATA_PREFIX}`.",
        "",
        "| key | meaning |",
        "|---|---|",
    ]
    lines += [f"| `{key}` | {meaning} |" for key, meaning in METADATA_KEYS.items()]
    lines += ["", "## Scores", "", "In the metadata of topics.parquet and in scores.json.", ""]
    lines += ["| key | name | how to read it |", "|---|---|---|"]
    lines += [f"| `{key}` | {score.name} | {score.sentence} |" for key, score in SCORES.items()]
    return "\n".join(lines) + "\n"


def _row(field: Any) -> str:
    description = field.metadata[b"description"].decode()
    type_ = str(field.type).replace("2560", "dim").replace(" not null", "").replace("|", "\\|")
    return f"| `{field.name}` | `{type_}` | {'yes' if field.nullable else 'no'} | {description} |"


if __name__ == "__main__":
    print(markdown(), end="")
