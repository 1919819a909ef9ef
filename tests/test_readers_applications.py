"""One application looks the same from every source, for families are equal sets of priorities."""

from datetime import date

import pytest

from patentclust.readers import forms, numbers
from patentclust.readers.applications import american


@pytest.mark.parametrize(
    ("expected", "ways"),
    [
        (
            "JP-2017900034",
            ["JP 2017-900034", "特願２０１７－９０００３４", "JP2017900034", "JP2017900034 A", "JP20170900034"],
        ),
        ("JP-1998123456", ["特願平10-123456", "JPH10123456A", "JP H10-123456", "JP 10-123456"]),
        ("JP-1984012345", ["JP 59-12345", "特願昭59-12345"]),
        ("US-62123456", ["US 62/123,456", "US201762123456 P", "US-62123456"]),
        ("EP-14176726", ["EP 14176726.9", "EP14176726", "EP14176726A"]),
        ("KR-1020180012345", ["KR 10-2018-0012345", "KR20180012345 A", "KR1020180012345A", "KR 2018-12345"]),
        ("CN-201610058726", ["CN201610058726.X", "CN 201610058726", "CN201610058726X", "CN ZL201610058726.X"]),
        ("CN-98123456", ["CN98123456.7", "CN 98123456 A"]),
        ("WO-PCTUS2018042117", ["PCT/US2018/042117", "WO2018US042117", "WO2018US42117", "WO PCT/US2018/042117"]),
        ("WO-PCTUS1998016128", ["PCT/US98/16128"]),
        ("DE-102017001234", ["DE 10 2017 001 234.5", "DE102017001234A1"]),
        ("GB-201712345", ["GB1712345.6", "GB20170012345", "GB 201712345 A"]),
        ("TW-104122253", ["TW 104122253", "TW104122253 A"]),
        ("FR-1799111", ["FR 1799111", "FR1799111A"]),
    ],
)
def test_an_application_is_written_one_way(expected, ways):
    assert {way: numbers.parse_application(way) for way in ways} == dict.fromkeys(ways, expected)


@pytest.mark.parametrize("text", ["", "US", "Foo 12", "201610058726.X", "x" * 100, "日本", "US " + " " * 100_000])
def test_what_is_no_application_is_none(text):
    assert numbers.parse_application(text) is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("10-2018-0012345", "20180012345"), ("10-1234567", "101234567"), ("20180012345", "20180012345")],
)
def test_korean_publications_are_written_as_docdb_has_them(stated, expected):
    assert numbers.publication_number("KR", stated) == expected


SOUND = (
    "CN-104154208-B TW-I787146-B TW-201610870-A JP-2025027833-A JP-H10123456-A JP-7050421-B2 KR-20180012345-A "
    "KR-101234567-B1 US-12390907-B2 US-20210268630-A1 US-D701016-S1 EP-1000000-A1 WO-2020013864-A1 XX-1 "
    "sha256:ab"
)
DOUBTFUL = "CN-1-A JP-20250278331-A KR-1-A WO-93-A1 EP-20000000-A1 US-123456789-A TW-X1-B"


@pytest.mark.parametrize("doc_id", SOUND.split())
def test_numbers_of_the_offices_have_their_form(doc_id):
    assert forms.doubts(doc_id) == ()


@pytest.mark.parametrize("doc_id", DOUBTFUL.split())
def test_a_number_of_another_form_is_doubted(doc_id):
    (sentence,) = forms.doubts(doc_id)
    assert doc_id in sentence


@pytest.mark.parametrize(
    ("printed", "day", "expected"),
    [
        ("933870", date(2007, 11, 1), "US-11933870"),
        ("12345", date(2007, 11, 20), "US-12012345"),
        ("60410 P", date(1997, 9, 29), "US-60060410"),
        ("326958 P", date(2001, 10, 3), "US-60326958"),
        ("201562171618 P", date(2015, 6, 5), "US-62171618"),
        ("62171618", None, "US-62171618"),
        ("123456", date(1960, 1, 1), "US-123456"),
        ("", date(2007, 11, 1), None),
    ],
)
def test_the_date_tells_the_series_of_a_us_application(printed, day, expected):
    assert american(printed, day) == expected
