"""The catalogs: what the desk says stands in every language, and each translation fits its sentence."""

import ast
import re

import pytest
from babel.messages.catalog import Message

from dashboard.i18n import LANGUAGES, SOURCE
from scripts.messages import LANGUAGES as KEPT
from scripts.messages import ROOT, collect, is_translated, path_of, read, update

_PLACE = re.compile(r"\{(\w+)\}")
SAID = collect()
every_language = pytest.mark.parametrize("language", KEPT)


def _messages(language: str) -> list[Message]:
    return [message for message in read(language) if message.id]


def _forms(words: object) -> list[str]:
    return [str(form) for form in words] if isinstance(words, list | tuple) else [str(words)]


def test_every_language_of_the_desk_but_the_sources_own_has_a_catalog() -> None:
    assert set(KEPT) == set(LANGUAGES) - {SOURCE}


@every_language
def test_a_catalog_holds_exactly_what_the_source_says(language: str) -> None:
    told = path_of(language).read_text(encoding="utf-8")
    assert told == update(language, SAID), "run: make messages"


@every_language
def test_nothing_is_a_guess(language: str) -> None:
    assert not [message.id for message in _messages(language) if message.fuzzy]


@every_language
def test_nothing_is_untranslated(language: str) -> None:
    assert not [message.id for message in _messages(language) if not is_translated(message)]


@every_language
def test_a_translation_has_the_places_of_its_sentence(language: str) -> None:
    for message in _messages(language):
        asked = [set(_PLACE.findall(form)) for form in _forms(message.id)]
        for form in _forms(message.string):
            # A form for one may say the number in words, in any language.
            fits = form == "" or set(_PLACE.findall(form)) in (asked[-1], asked[-1] - {"n"} if len(asked) > 1 else None)
            assert fits, f"{message.id!r}: {form!r}"


@every_language
def test_a_translation_begins_and_ends_as_its_sentence_does(language: str) -> None:
    for message in _messages(language):
        first = _forms(message.id)[0]
        for form in filter(None, _forms(message.string)):
            assert form == form.strip(), f"{message.id!r}: space about {form!r}"
            assert (form[-1] in ".?:") == (first[-1] in ".?:"), f"{message.id!r}: the end of {form!r}"


@every_language
def test_every_number_has_its_form(language: str) -> None:
    """Danish, Swedish and Norwegian have two: one, and any other number."""
    assert read(language).num_plurals == 2
    for message in _messages(language):
        if message.pluralizable:
            assert len(_forms(message.string)) == 2, message.id


def test_a_meaning_is_named_only_where_the_languages_tell_it_apart() -> None:
    """A context that no language needs is one more thing to translate four times."""
    catalogs = [read(language) for language in KEPT]
    needless = []
    for message in _messages(KEPT[0]):
        plain = [one.get(message.id) for one in catalogs]
        if message.context and all(one is not None for one in plain):
            told = [one.get(message.id, message.context) for one in catalogs]
            if all(a is not None and b is not None and a.string == b.string for a, b in zip(told, plain, strict=True)):
                needless.append((message.context, message.id))
    assert not needless


def test_no_sentence_hides_from_the_translators() -> None:
    """What stands inside an f-string, or in a call by another name, is not found by those who collect."""
    known = {form for message in SAID if message.id for form in _forms(message.id)}
    hidden = [
        f"{path.name}: {argument.value!r}"
        for path in sorted((ROOT / "dashboard").glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _name(call.func) in ("_", "N_", "ngettext", "pgettext")
        for argument in call.args[1 if _name(call.func) == "pgettext" else 0 :]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value not in known
    ]
    assert not hidden


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_no_sentence_of_the_source_has_space_about_it() -> None:
    """Such a sentence is a piece of another: other languages put it elsewhere."""
    assert not [message.id for message in SAID if message.id and any(f != f.strip() for f in _forms(message.id))]
