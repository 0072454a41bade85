"""Collect what the desk says and bring the catalogs up to date: `make messages`.

Owns how a catalog stands in its file: no dates and no line numbers, in the order of the English, so that a change of
one sentence changes one place. Refuses to translate, and to guess from a similar sentence: what is new is empty.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "dashboard" / "locale"
LANGUAGES = ("da", "nb", "sv")
WIDTH = 120

# The desk's own names for them; see dashboard/i18n.py.
_KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}


def collect(root: Path = ROOT) -> Catalog:
    """Return every message of the desk, each with the files it stands in."""
    found = Catalog()
    said = extract_from_dir(
        root / "dashboard", method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, comment_tags=()
    )
    for file, _line, message, _comments, context in sorted(said, key=lambda one: one[0]):
        found.add(message, locations=[(f"dashboard/{file}", 0)], context=context)
    return found


def path_of(language: str) -> Path:
    """Return where a language's catalog stands."""
    return LOCALES / language / "messages.po"


def read(language: str) -> Catalog:
    """Return a catalog as it stands; an empty one where there is none yet."""
    path = path_of(language)
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, said: Catalog) -> str:
    """Return the file of a language: what is said now, with the translations that still fit."""
    known, made = read(language), Catalog(locale=language)
    for message in _messages(said):
        before = known.get(message.id, message.context)
        string = before.string if before is not None and _fits(before, message) else ""
        files = sorted({(file, 0) for file, _line in message.locations})
        comments = before.user_comments if before is not None else ()
        made.add(message.id, string, locations=files, user_comments=comments, context=message.context)
    for message in _messages(made):
        message.flags.clear()
    written = BytesIO()
    write_po(written, made, width=WIDTH, omit_header=True, sort_output=True, include_lineno=False)
    return _header(language) + written.getvalue().decode()


def main() -> None:
    """Write every catalog, and say how much of each waits for a translator."""
    said = collect()
    for language in LANGUAGES:
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(update(language, said), encoding="utf-8")
        left = sum(not is_translated(message) for message in _messages(read(language)))
        sys.stdout.write(f"{language}: {len(said)} messages, {left} not translated\n")


def is_translated(message: Message) -> bool:
    """Whether each of a message's forms has words."""
    strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return all(strings)


def _messages(catalog: Catalog) -> Iterator[Message]:
    """The messages without the header, which babel keeps as the message of nothing."""
    return (message for message in catalog if message.id)


def _fits(before: Message, now: Message) -> bool:
    return before.pluralizable == now.pluralizable


def _header(language: str) -> str:
    name = Locale.parse(language).get_display_name("en")
    return (
        f"# What the desk says, in {name}. The words to use: docs/glossary-desk.md.\n"
        "# New sentences come by: make messages\n"
        'msgid ""\n'
        'msgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
        "\n"
    )


if __name__ == "__main__":
    main()
