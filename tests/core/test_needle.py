"""A text is found in every spelling our own files could give it, and nothing else is."""

import html
import json
import unicodedata
from urllib.parse import quote

import pytest

from core.needle import Needle

TEXT = 'Åse "Ø" <3 æble'


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-be"),
        json.dumps(TEXT).encode(),
        json.dumps(TEXT, ensure_ascii=False).encode(),
        json.dumps(json.dumps(TEXT)[1:-1]).encode(),
        b'"\\u00C5se \\"\\u00D8\\" <3 \\u00E6ble"',
        html.escape(TEXT).encode(),
        quote(TEXT).encode(),
        unicodedata.normalize("NFD", TEXT).encode(),
        TEXT.encode().hex().encode(),
    ],
)
def test_a_text_is_found_however_it_is_spelled(raw: bytes) -> None:
    assert Needle.of(TEXT).within(b"before \x00" + raw + b"\xff after") is not None


def test_what_is_not_there_is_not_found() -> None:
    assert Needle.of(TEXT).within(TEXT.lower().encode() + b"\x00" * 100) is None


def test_a_long_text_is_found_by_a_part_that_is_left_of_it() -> None:
    text = "".join(f"{number:04d} " for number in range(40))
    needle = Needle.of(text)
    assert needle.within(text.encode()) == "as it stands"
    left = text[31:90].encode()
    assert (needle.within(left) or "").startswith("a part of it")


@pytest.mark.parametrize("text", ["", "   ", "abc"])
def test_too_short_a_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at least 4"):
        Needle.of(text)
