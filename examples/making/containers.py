"""Put the US documents into files: most one a file, some grants into a weekly file, some applications into a ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from making.source import Corpus, Patent
from making.us_xml import dated_stem, us_xml

N_WEEKLY = 6
N_ZIPPED = 4


def us_files(corpus: Corpus) -> dict[str, bytes]:
    """Return the files by name."""
    weekly = firsts(corpus, "us-grant")[:N_WEEKLY]
    zipped = firsts(corpus, "us-application")[:N_ZIPPED]
    files = {
        f"{patent.file_stem}.xml": us_xml(patent, corpus)
        for patent in corpus.values()
        if patent.format in ("us-grant", "us-application") and patent not in (*weekly, *zipped)
    }
    files["weekly_grants.xml"] = b"".join(us_xml(patent, corpus) for patent in weekly)
    files["applications.zip"] = archive({f"{dated_stem(p)}.XML": us_xml(p, corpus) for p in zipped})
    return files


def firsts(corpus: Corpus, format_: str) -> list[Patent]:
    """Return the first patent of a format in each technology."""
    found: dict[str, Patent] = {}
    for patent in corpus.values():
        if patent.format == format_:
            found.setdefault(patent.technology, patent)
    return list(found.values())


def archive(members: Mapping[str, bytes]) -> bytes:
    """Return a ZIP file that is the same on every machine: no compression, no clock, one system."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as container:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            container.writestr(info, data)
    return out.getvalue()
