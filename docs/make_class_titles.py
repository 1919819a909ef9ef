"""WIPO's title list of the IPC to the titles that the page shows: `patentclust/render/data/ipc_titles.tsv`.

    python docs/make_class_titles.py EDITION LIST.txt... > patentclust/render/data/ipc_titles.tsv

LIST is `EN_ipc_section_A_title_list_YYYYMMDD.txt` and its like, or all sections in one: a symbol, a tab and its title a
line. Classes and subclasses are kept as WIPO writes them, without the references to other places in round brackets.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_KEPT = re.compile(r"[A-H]\d\d[A-Z]?")


def main() -> None:
    """Print the titles of the lists that are named."""
    edition, *lists = sys.argv[1:]
    print(f"# International Patent Classification (IPC), edition {edition}: titles of classes and subclasses.")
    print("# Source: WIPO, title list in English, https://www.wipo.int/ipc; references to other places left out.")
    print("# Made by docs/make_class_titles.py.")
    for name in lists:
        for line in Path(name).read_text(encoding="utf-8-sig").splitlines():
            symbol, _, title = line.partition("\t")
            if _KEPT.fullmatch(symbol.strip()):
                print(f"{symbol.strip()}\t{without_references(title)}")


def without_references(title: str) -> str:
    """Take out what stands in round brackets, also where they are nested."""
    before = None
    while before != title:
        before, title = title, re.sub(r"\([^()]*\)", "", title)
    return re.sub(r"\s+([;,])", r"\1", " ".join(title.split())).strip(" ;")


if __name__ == "__main__":
    main()
