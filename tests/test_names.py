from __future__ import annotations

import pytest

from patentclust.readers import names
from tests.test_readers_us_text import DATA, documents


@pytest.mark.parametrize(
    ("name", "code"), [("KOSMAN WILHELMUS [NL]", "NL"), ("ROE [de]", ""), ("ROE [DE] JANE", ""), ("", "")]
)
def test_a_residence_stands_behind_the_name(name, code):
    assert names.residence(name) == code


def test_each_country_counts_once_and_no_other_word_does():
    assert names.countries(["US", "JP", "unknown", "", None, "N/A", "US", "us"]) == ("US", "JP")


@pytest.mark.parametrize(
    ("file", "countries"),
    [
        ("us_aps.txt", ("JP",)),
        ("us_patdoc.xml", ("PT", "US")),
        ("us_pap.xml", ("US", "NO")),
        ("us_application.xml", ("SE",)),
        ("us_grant.xml", ("NG", "NL")),
        ("ep_b1.xml", ("US",)),
        ("wo_a1.xml", ("FR",)),
        ("tw_grant.xml", ("TW",)),
        ("epo_docdb.xml", ("JP",)),
    ],
)
def test_where_inventors_live_is_read_from_every_dialect_that_says_it(file, countries):
    assert documents(DATA / file)[0].inventor_countries == countries
