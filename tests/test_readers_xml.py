"""The door to lxml: what is hostile stays harmless, what is damaged is repaired, text neither glues nor splits."""

import time

import pytest

from patentclust.errors import SourceError
from patentclust.readers.xml import lines_of, parse, text_of


def text(xml):
    return text_of(parse(xml.encode() if isinstance(xml, str) else xml).root)


def warnings(xml):
    return parse(xml.encode() if isinstance(xml, str) else xml).warnings


def test_an_entity_bomb_stays_small_and_quick():
    chain = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    started = time.monotonic()
    found = parse(f'<!DOCTYPE a [<!ENTITY l0 "ha">{chain}]><a b="&l11;">&l11;</a>'.encode())
    assert text_of(found.root) == "&l11;"
    assert found.root.get("b") == "&l11;"
    assert time.monotonic() - started < 1


def test_an_external_entity_is_never_opened(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    for address in (secret.as_uri(), "file:///etc/passwd", "http://127.0.0.1:9/x"):
        xml = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{address}">]><a>before &x; after</a>'
        assert text(xml) == "before &x; after"


def test_an_external_document_type_is_not_loaded(tmp_path):
    dtd = tmp_path / "a.dtd"
    dtd.write_text('<!ENTITY x "from the DTD">')
    assert text(f'<!DOCTYPE a SYSTEM "{dtd.as_uri()}"><a>&x;</a>') == "&x;"


def test_parameter_entities_are_cut_away():
    assert text('<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><a>ok</a>') == "ok"


def test_inclusions_are_not_followed():
    xml = '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" parse="text"/>ok</a>'
    assert text(xml) == "ok"


@pytest.mark.parametrize(
    ("reference", "character"),
    [
        ("&ldquo;", "“"),
        ("&lsqb;", "["),
        ("&agr;", "α"),
        ("&plus;", "+"),
        ("&deg;", "°"),
        ("&equals;", "="),
        ("&minus;", "−"),
    ],
)
def test_named_characters_of_html_and_iso_are_put_in(reference, character):
    found = parse(f"<a>x{reference}y</a>".encode())
    assert text_of(found.root) == f"x{character}y"
    assert found.warnings == ()


def test_a_plain_entity_of_the_document_type_is_put_in():
    assert text('<!DOCTYPE a [<!ENTITY firm "Brass Ltd.">]><a>&firm;</a>') == "Brass Ltd."


def test_an_unknown_entity_stays_as_text_with_a_warning():
    found = parse(b"<a>x &nonsense; y</a>")
    assert text_of(found.root) == "x &nonsense; y"
    assert "&nonsense;" in found.warnings[0]


def test_a_bare_ampersand_is_text_with_a_warning():
    found = parse(b"<a>Kador & Partner, AT&T</a>")
    assert text_of(found.root) == "Kador & Partner, AT&T"
    assert "2 bare `&`" in found.warnings[0]


def test_references_in_cdata_are_left_alone():
    assert text("<a><![CDATA[x &amp; <y> &z;]]></a>") == "x &amp; <y> &z;"


def test_numbers_of_forbidden_characters_are_dropped():
    assert text("<a>x&#0;&#x1B;&#xFFFE;&#xD800;y&#150;z&#65;</a>") == "xy–zA"


def test_control_characters_are_dropped():
    assert text(b"<a>x\x00\x08\x1by</a>") == "xy"


def test_a_truncated_file_is_read_as_far_as_it_goes():
    found = parse(b"<a><p>first</p><p>second")
    assert lines_of(found.root) == ["first", "second"]
    assert "not well-formed" in found.warnings[0]
    assert "line 1" in found.warnings[0]


def test_tags_that_are_no_tags_do_not_cost_the_rest():
    found = parse(b"<a><p>see <Embodiment 1> here</p><p>and on</p></a>")
    assert "and on" in text_of(found.root)
    assert found.warnings


def test_an_undeclared_prefix_is_read():
    assert text("<exch:a><exch:p>ok</exch:p></exch:a>") == "ok"


@pytest.mark.parametrize("data", [b"", b"   ", b"plain text", b"<", b"<!DOCTYPE a [", b"<?xml version='1.0'?>"])
def test_no_element_is_a_source_error(data):
    with pytest.raises(SourceError, match="no XML"):
        parse(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_encodings_are_read_with_and_without_mark(encoding):
    xml = f'<?xml version="1.0" encoding="{"UTF-8" if "8" in encoding else "UTF-16"}"?>\n<a>Köln 東京</a>'
    assert text(xml.encode(encoding)) == "Köln 東京"


def test_a_declared_legacy_encoding_is_believed():
    assert text('<?xml version="1.0" encoding="EUC-JP"?><a>東京</a>'.encode("euc-jp")) == "東京"


def test_a_wrongly_declared_encoding_is_repaired_with_a_warning():
    found = parse('<?xml version="1.0" encoding="UTF-8"?><a>Köln</a>'.encode("cp1252"))
    assert text_of(found.root) == "Köln"
    assert "windows-1252" in found.warnings[0]


def test_an_unknown_encoding_is_tried_as_utf8():
    assert text('<?xml version="1.0" encoding="x-martian"?><a>Köln</a>') == "Köln"


def test_inline_markup_joins_as_printed():
    xml = "<p>CF<sub>2</sub>=CFR<sup>f</sup> and FIG. <b>1</b><i>a</i>, see <figref>FIG. 2</figref>.</p>"
    assert text(xml) == "CF2=CFRf and FIG. 1a, see FIG. 2."


def test_blocks_never_glue_words():
    xml = "<d><heading>FIELD</heading><p>One<ul><li>two</li><li>three</li></ul>four</p><p>five<br/>six</p></d>"
    assert lines_of(parse(xml.encode()).root) == ["FIELD", "One", "two", "three", "four", "five six"]


def test_a_long_text_is_read_as_its_paragraphs_are_alone():
    paragraph = (
        "<p> One\n two\t\u00a0 three<br/>four &#x2003;<b> five</b>  \u3000</p>\n<p>\u00a0</p><heading>α  β</heading>"
    )
    short, long = (parse(f"<d>{paragraph * times}</d>".encode()).root for times in (1, 500))
    assert lines_of(short) == ["One two three four five", "α β"]
    assert lines_of(long) == lines_of(short) * 500


def test_tables_formulas_and_sequences_become_placeholders():
    xml = (
        "<p>a<tables><table><row><entry>7</entry></row></table></tables>b <maths><math><mi>x</mi></math></maths>, "
        "c <chemistry><img/></chemistry> d <sequence-list>acgt</sequence-list></p>"
    )
    assert text(xml) == "a [table] b [formula] , c [formula] d"


def test_comments_and_instructions_leave_no_trace():
    assert text('<p>be<!-- EPO <DP n="8"> -->fore<?BRFSUM end="lead"?> after</p>') == "before after"


def test_deep_nesting_is_no_recursion():
    assert text("<a>" * 1500 + "deep" + "</a>" * 1500) == "deep"


def test_unclosed_constructs_are_no_quadratic_trap():
    started = time.monotonic()
    for noise in (b"<!--", b"<![CDATA[", b"&", b"<a", b"<?x", b"<!DOCTYPE a ["):
        try:
            parse(b"<a>" + noise * 100_000)
        except SourceError:
            continue
    assert time.monotonic() - started < 20


def test_a_megabyte_of_blanks_is_no_quadratic_trap():
    started = time.monotonic()
    parse(b"<a>x" + b" " * 2_000_000)
    assert time.monotonic() - started < 5
