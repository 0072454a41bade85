"""The keys of the desk: one table, from which the help dialog is made, and from the dialog what the keys do.

Owns the table. `static/keys.js` reads it from the dialog. Single letters, for AltGr and Alt belong to Nordic keyboards.
Refuses to know any page: a key without `does` or `to` presses whatever on the page names it (`data-key`).
"""

from dataclasses import dataclass

from dashboard.i18n import N_, _


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key, or two after each other ("g i"). `does` is an act of keys.js, `to` a page."""

    press: str
    word: str
    does: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A line of the help: what to press, and what it does."""

    press: str
    shown: tuple[str, ...]
    word: str
    does: str
    to: str


KEYS: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        N_("The list"),
        (
            Key(press="j", word=N_("Next conversation"), does="next"),
            Key(press="k", word=N_("Previous conversation"), does="previous"),
            Key(press="o", word=N_("Open it"), does="open"),
            Key(press="u", word=N_("Take in what is new"), does="news"),
            Key(press="n", word=N_("Give me the most important one")),
            Key(press="/", word=N_("Search"), does="search"),
            Key(press="f", word=N_("Filters")),
            Key(press="x", word=N_("Select"), does="pick"),
            Key(press="X", word=N_("Select up to here"), does="range"),
        ),
    ),
    (
        N_("The conversation"),
        (
            Key(press="a", word=N_("Approve the draft")),
            Key(press="e", word=N_("Edit the draft")),
            Key(press="q", word=N_("Reject the draft")),
            Key(press="r", word=N_("Write a reply")),
            Key(press="t", word=N_("Take over")),
            Key(press="h", word=N_("Hand back")),
            Key(press="s", word=N_("Snooze")),
            Key(press="d", word=N_("Done: resolve")),
            Key(press="z", word=N_("Undo, for 15 seconds")),
            Key(press="i", word=N_("Outcome unknown: it is there")),
            Key(press="w", word=N_("Outcome unknown: send it again")),
            Key(press="v", word=N_("Outcome unknown: drop it")),
        ),
    ),
    (
        N_("Go to"),
        (
            Key(press="g i", word=N_("Inbox"), to="/inbox"),
            Key(press="g y", word=N_("For you"), to="/for-you"),
            Key(press="g a", word=N_("Alerts"), to="/alerts"),
            Key(press="g s", word=N_("Sources"), to="/sources"),
            Key(press="g n", word=N_("Incidents"), to="/incidents"),
            Key(press="g r", word=N_("Reports"), to="/reports"),
            Key(press="g c", word=N_("Corrections"), to="/corrections"),
            Key(press="g w", word=N_("Watches"), to="/watches"),
            Key(press="g u", word=N_("Rules"), to="/rules"),
            Key(press="g m", word=N_("Your account"), to="/me"),
        ),
    ),
    (
        N_("Everywhere"),
        (
            Key(press="?", word=N_("Show these keys"), does="help"),
            # The browser's own, and those of fields: listed here, done elsewhere.
            Key(press="Enter", word=N_("Open, or press what is in focus"), does="native"),
            Key(press="Ctrl+Enter", word=N_("Send what is written (Cmd on a Mac)"), does="native"),
            Key(press="Escape", word=N_("Leave a field, then close the conversation"), does="leave"),
        ),
    ),
)
_CAPS = {"X": ("Shift", "X"), "Escape": ("Esc",), "Ctrl+Enter": ("Ctrl", "Enter")}


def help_view() -> tuple[tuple[str, tuple[KeyView, ...]], ...]:
    """Return the help dialog: groups of keys in the reader's language."""
    return tuple((_(title), tuple(_line(key) for key in keys)) for title, keys in KEYS)


def _line(key: Key) -> KeyView:
    shown = _CAPS.get(key.press) or tuple(part.upper() if part.isalpha() and len(part) == 1 else part
                                          for part in key.press.split())  # fmt: skip
    return KeyView(press=key.press, shown=shown, word=_(key.word), does=key.does, to=key.to)
