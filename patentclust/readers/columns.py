"""What a column of a table means. Pure: names in, a plan out.

A column is known by its name, compared without case, blanks and punctuation. Names of common exports stand here side by
side; what is missing the user names with `mapping`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from patentclust.errors import ConfigError
from patentclust.params import IngestParams

TEXT_FIELDS = ("title", "abstract", "claims", "description")
# The first name that a table has wins: a publication number before a mere row id.
_NAMES = {
    "doc_id": (
        "doc_id publication_number publication_id patent_number patent_no pub_no pub_number "
        "publication_no patent_id document_number doc_number document_id lens_id guid 公开(公告)号 "
        "公开公告号 公开号 公告号 文献番号 公報番号 docid id number patent"
    ),
    "title": (
        "title invention_title title_of_invention patent_title name_of_invention 标题 发明名称 "
        "发明の名称 題名 bezeichnung titel"
    ),
    "abstract": "abstract abstract_text summary patent_abstract 摘要 要約 zusammenfassung",
    "claims": (
        "claims claim claims_text claim_text all_claims first_claim independent_claims 权利要求 "
        "请求项 特許請求の範囲 ansprüche"
    ),
    "description": (
        "description description_text full_text fulltext detailed_description specification 说明书 明細書 beschreibung"
    ),
    "language": "language lang publication_language text_language 语言",
    "country": ("country country_code publication_country jurisdiction authority office publication_authority 国家"),
    "kind": "kind kind_code publication_kind document_kind",
    "family_id": "family_id family simple_family_id docdb_family_id simple_family family_number inpadoc_family_id",
    "application_number": "application_number application_no appl_no application_id application 申请号 出願番号",
    "priorities": "priority_numbers priority_number priorities priority_claims 优先权号",
    "priority_date": "priority_date earliest_priority_date earliest_priority 优先权日",
    "filing_date": "filing_date application_date date_filed filed 申请日 出願日",
    "publication_date": (
        "publication_date pub_date date_published published date_of_publication grant_date "
        "issue_date date 公开(公告)日 公开公告日 公开日"
    ),
    "applicants": "applicants applicant applicant_name applicant_names applicants_original 申请人 申請人 出願人",
    "assignees": (
        "assignees assignee assignee_name original_assignee current_assignee "
        "assignee_applicant owner owners 专利权人 当前权利人"
    ),
    "inventors": "inventors inventor inventor_name inventor_names inventor_author 发明人 発明者",
    "cpc": ("cpc cpc_classifications cpc_classification cpc_codes cpc_code cpcs cpc_symbols cpc_current cpc分类号"),
    "ipc": (
        "ipc ipcr ipc_classifications ipc_classification ipc_codes ipc_code "
        "ipcr_classifications i_p_c int_cl ipc分类号 ipc主分类号"
    ),
    "codes": "codes classification_codes classifications classification",
    "scheme": "scheme classification_scheme",
    "cited": (
        "cited citations backward_citations cited_patents cited_publications cites_patents references patent_citations"
    ),
}
FIELDS = tuple(field for field in _NAMES if field not in ("codes", "scheme"))
_LANGUAGES = {
    "en": "en eng english", "zh": "zh cn chi chinese", "ja": "ja jp jpn japanese", "ko": "ko kr kor korean",
    "de": "de ger german", "fr": "fr fre french", "es": "es spa spanish",
}  # fmt: skip
_MAX_NAME_CHARS = 200
# `译`: translated.
_NAMED_LANGUAGE = re.compile(r"(.*?)(?:[\s_\-.]*[(\[（]译[)\]）])?[\s_\-.]*[(\[（]?\s*([A-Za-z]{2,8})\s*[)\]）]?")
_CODES = {name: code for code, names in _LANGUAGES.items() for name in names.split()}


@dataclass(frozen=True)
class Plan:
    """Which column gives which field.

    Attributes:
        columns: field to column; `codes` and `scheme` stand for symbols whose scheme another column names.
        languages: field to the language that its column's name states.
    """

    columns: Mapping[str, str]
    languages: Mapping[str, str]

    @property
    def has_text(self) -> bool:
        """Tell whether any column gives text."""
        return any(field in self.columns for field in TEXT_FIELDS)


def key(name: str) -> str:
    """Return a column's name as it is compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


_KEYS = {field: tuple(dict.fromkeys(key(name) for name in names.split())) for field, names in _NAMES.items()}
_FIELD_OF = {name: field for field, names in reversed(_KEYS.items()) for name in names}


@lru_cache(maxsize=4096)
def _in_language(name: str) -> tuple[str, str] | None:
    """Return (field, language) of `abstract_en`, `Title (English)` or `标题(译)(English)`."""
    match = _NAMED_LANGUAGE.fullmatch(name.strip()[:_MAX_NAME_CHARS])
    if not match or match[2].lower() not in _CODES:
        return None
    field = _FIELD_OF.get(key(match[1]))
    return (field, _CODES[match[2].lower()]) if field in TEXT_FIELDS else None


def n_known(names: Iterable[str]) -> int:
    """Count the names that mean something to us."""
    return sum(key(name) in _FIELD_OF or _in_language(name) is not None for name in names)


def has_text(names: Sequence[str]) -> bool:
    """Tell whether one of the names is that of a text column."""
    return plan(names, IngestParams()).has_text


def check_mapping(params: IngestParams) -> None:
    """Check the fields that the user maps columns to.

    Raises:
        ConfigError: one does not exist.
    """
    for field, _ in params.mapping:
        if field not in FIELDS:
            raise ConfigError(f"--map {field}: there is no such field", hint=f"allowed: {', '.join(FIELDS)}")


def plan(names: Sequence[str], params: IngestParams) -> Plan:
    """Return which of the columns give which field.

    Raises:
        ConfigError: the user's mapping names a field or a column that does not exist.
    """
    check_mapping(params)
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(key(name), name)
    chosen: dict[str, str] = {}
    for field, keys in _KEYS.items():
        column = next((by_key[k] for k in keys if k in by_key), None)
        if column is not None:
            chosen[field] = column
    languages = _choose_languages(names, chosen, params.prefer_language)
    for field, column in params.mapping:
        found = column if column in names else by_key.get(key(column))
        if found is None:
            raise ConfigError(
                f"--map {field}={column}: the table has no such column",
                hint=f"it has: {', '.join(map(str, names[:40]))}",
            )
        chosen[field] = found
        languages.pop(field, None)
    return Plan(chosen, languages)


def _choose_languages(names: Sequence[str], chosen: dict[str, str], preferred: str | None) -> dict[str, str]:
    """Fill text fields from columns of one language: the preferred, else English, else the first there is."""
    offered: dict[str, dict[str, str]] = {}
    for name in names:
        found = _in_language(name)
        if found:
            offered.setdefault(found[1], {}).setdefault(found[0], name)
    wish = (preferred or "").lower().split("-")[0]
    language = next((code for code in (wish, "en", *offered) if code in offered), None)
    if language is None:
        return {}
    # A column without a language in its name holds the original: it gives way only to a wish.
    taken = {field: name for field, name in offered[language].items() if language == wish or field not in chosen}
    chosen.update(taken)
    return dict.fromkeys(taken, language)
