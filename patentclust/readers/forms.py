"""What publication numbers of the large offices look like, so that a misread one is seen. Pure."""

from __future__ import annotations

import re

# The number of `CC-NUMBER-KIND`, as `numbers.publication_number` writes it.
_FORMS = {
    "CN": r"\d{7,9}",
    "EP": r"\d{1,7}",
    "GB": r"\d{1,7}|(?:18|19)\d{7,8}",
    "JP": r"(?:19|20)\d{8}|[MTSHR]\d{7,8}|\d{1,7}",
    "KR": r"(?:19|20)\d{9}|\d{5,9}",
    "TW": r"[IMD]?\d{5,7}|(?:19|20)\d{7}",
    "US": r"20\d{8,9}|\d{1,8}|(?:RE|PP|D|H|T|AI|X|RX)\d{1,7}",
    "WO": r"(?:19|20)\d{8}",
}
_FULL = {office: re.compile(form) for office, form in _FORMS.items()}
_PUBLICATION = re.compile(r"([A-Z]{2})-([0-9A-Z]+)(?:-[A-Z]\d{0,2})?")


def doubts(doc_id: str) -> tuple[str, ...]:
    """Return a sentence when an id has an office's prefix but not the form of that office's numbers, else nothing."""
    match = _PUBLICATION.fullmatch(doc_id)
    if match is None or match[1] not in _FULL or _FULL[match[1]].fullmatch(match[2]):
        return ()
    return (f"{doc_id} has not the form of a publication number of {match[1]}",)
