"""In which encoding a table is written. Pure but for reading the file through once.

A mark or clean UTF-8 settles it. Else the bytes of East Asian encodings tell themselves apart: Shift-JIS by its kana,
EUC-KR by where the Hangul syllables lie, Big5 by its second bytes below 0x80, GB18030 by characters of two high bytes.
What is left is western.
"""

from __future__ import annotations

import codecs
import re

from patentclust.readers.source import Source

_CHUNK_BYTES = 1024 * 1024
_SAMPLE_BYTES = 65_536
_KANA = re.compile("[\u3041-\u30fa]")
_HAN = re.compile("[\u4e00-\u9fff]")
# In characters of two bytes, GB 2312 puts Chinese characters where KS X 1001 has Hangul (B0-C8) and beyond (C9-F7).
_PAIR = re.compile(rb"([\xa1-\xfe])[\xa1-\xfe]")
_MIN_KANA_SHARE = 0.1
_MAX_SHARE_BEYOND_HANGUL = 0.1
_MIN_LOW_SHARE = 0.15
_MIN_PAIRED_SHARE = 0.7


def is_binary(head: bytes) -> bool:
    """Tell whether it is no text in any encoding."""
    return _by_mark(head) is None and b"\x00" in head[:1024] and head.count(b"\x00") * 10 > len(head)


def of_head(head: bytes) -> str:
    """Return the encoding of the first bytes."""
    marked = _by_mark(head)
    if marked:
        return marked
    try:
        # Not final: the last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return _legacy(head)
    return "utf-8"


def of_source(source: Source) -> tuple[str, str]:
    """Return the encoding of the whole file, and a warning when it was guessed."""
    marked = _by_mark(source.head)
    if marked:
        return marked, ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                name = _legacy(chunk[max(0, error.start - 4096) : error.start + _SAMPLE_BYTES])
                return name, f"file is not UTF-8; read as {name}"
    return "utf-8", ""


def _by_mark(head: bytes) -> str | None:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # UTF-16 of mostly Latin text without a mark: every other byte is zero.
    half = len(head[:2000]) // 2
    if half >= 8 and head[1:2000:2].count(0) > half * 0.7:
        return "utf-16-le"
    if half >= 8 and head[0:2000:2].count(0) > half * 0.7:
        return "utf-16-be"
    return None


def _legacy(sample: bytes) -> str:
    """Tell the encodings that carry no mark apart, from bytes around the first that is no UTF-8."""
    if _is_japanese(sample):
        return "cp932"
    if _is_big5(sample):
        return "big5hkscs"
    high = re.findall(rb"[\x80-\xff]+", sample)
    n_paired = sum(len(run) for run in high if len(run) > 1)
    if n_paired <= _MIN_PAIRED_SHARE * sum(map(len, high)):
        return "cp1252"
    leads = [pair[0] for run in high for pair in _PAIR.findall(run)]
    n_beyond = sum(lead >= 0xC9 for lead in leads)
    n_syllables = sum(0xB0 <= lead <= 0xC8 for lead in leads)
    return "cp949" if n_syllables and n_beyond < _MAX_SHARE_BEYOND_HANGUL * n_syllables else "gb18030"


def _is_japanese(sample: bytes) -> bool:
    text = _decoded(sample, "cp932")
    return len(_KANA.findall(text)) > _MIN_KANA_SHARE * max(1, sum(not char.isascii() for char in text))


def _is_big5(sample: bytes) -> bool:
    """Tell Big5 by Chinese characters of a high byte and a low one, which western letters rarely make in a row."""
    text = _decoded(sample, "big5hkscs")
    n_han = len(_HAN.findall(text))
    n_other = sum(not char.isascii() for char in text) - n_han
    low = re.findall(rb"[\xa4-\xf9][\x40-\x7e](?=[\xa1-\xf9])", sample)
    return n_han > 4 * n_other and len(low) > _MIN_LOW_SHARE * n_han


def _decoded(sample: bytes, encoding: str) -> str:
    """Return the sample as text, "" where it is none in that encoding; the sample may begin and end in a character."""
    for start in (0, 1):
        try:
            return codecs.getincrementaldecoder(encoding)().decode(sample[start:])
        except UnicodeDecodeError:
            continue
    return ""
