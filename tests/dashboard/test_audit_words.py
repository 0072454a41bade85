"""The audit in words: every action that can be written down has its own."""

import re
from pathlib import Path

import pytest

from core.conversation import Move
from core.reply import ReplyState
from core.rulebook import Kind
from dashboard.i18n import speaking
from dashboard.present_audit import ACTIONS, action_word, line_view
from store.audit import Line
from tests.builders import NOW

ROOT = Path(__file__).parents[2]
_GIVEN = re.compile(r'action=f?"([^"]+)"')
_CHOSEN = re.compile(r'^ +action(?:, \w+)? = "([^"]+)"(?: if .+? else "([^"]+)")?', re.MULTILINE)
_BESIDE = re.compile(r'_record\(connection, \w+, "([^"]+)"')


def _written() -> set[str]:
    files = [file.read_text(encoding="utf-8") for part in ("store", "app") for file in (ROOT / part).glob("*.py")]
    found = {one for text in files for way in (_GIVEN, _BESIDE) for one in way.findall(text)}
    found |= {one for text in files for pair in _CHOSEN.findall(text) for one in pair if one}
    # Those with a value in them: every value there is.
    return {
        *(one for one in found if "{" not in one),
        *Move,
        *(f"put {kind} live" for kind in Kind),
        *(f"reply {to}" for to in (ReplyState.DRAFT, ReplyState.APPROVED, ReplyState.SENT, ReplyState.DROPPED)),
    }


@pytest.mark.parametrize("action", sorted(_written()))
def test_every_action_has_words(action: str) -> None:
    assert action in ACTIONS


def test_a_line_about_rules_says_why_and_how_much_and_no_code() -> None:
    detail = {"before": 0, "after": 1, "takes_up": None, "note": "Ours", "changed": ["@@ -9 +9 @@"], "changed_lines": 2}
    line = Line(id=1, at=NOW, by="Mette", action="put rules live", subject="rules 1", detail=detail)
    assert line_view(line, NOW).more == "note: Ours, lines changed: 2"


def test_what_is_undone_is_named() -> None:
    assert action_word("undo take over") == "Undid: Took over a conversation"


def test_a_move_says_what_it_changed_and_when_in_words() -> None:
    state = {"status": "open", "taken_by": None, "assigned_to": "Lars", "due_at": None, "waiting_since": None}
    before = {**state, "snoozed_until": None}
    after = {**state, "status": "snoozed", "snoozed_until": "2026-11-23T08:00:00.000001+00:00", "version": 4}
    detail = {"before": before, "after": after, "batch": "x"}
    view = line_view(Line(id=1, at=NOW, by="Lars", action="snooze", subject="conversation 1", detail=detail), NOW)
    assert (view.before, view.after) == (
        "status: Open, snoozed until: nothing",
        "status: Snoozed, snoozed until: 23 Nov 2026 08:00 UTC",
    )
    assert view.more == ""


def test_roles_and_languages_are_named_and_a_person_called_like_one_is_not() -> None:
    def changed(action: str, before: object, after: object) -> tuple[str, str]:
        line = Line(id=1, at=NOW, by="M", action=action, subject="Lars", detail={"before": before, "after": after})
        view = line_view(line, NOW)
        return view.before, view.after

    assert changed("set role", "reader", "admin") == ("Read only", "Administrator")
    assert changed("invite", None, "agent") == ("nothing", "Agent")
    assert changed("set language", None, "sv") == ("nothing", "Svenska")
    assert changed("assign", None, "agent") == ("nothing", "agent")


def test_what_a_line_is_about_has_words_and_opens_where_it_can() -> None:
    def about(subject: str) -> tuple[str, str]:
        view = line_view(Line(id=1, at=NOW, by="M", action="note", subject=subject, detail={}), NOW)
        return view.subject, view.link

    with speaking("da"):
        assert about("conversation 12") == ("samtale 12", "/conversations/12")
        assert about("alert 3") == ("alarm 3", "/alerts/3")
        assert about("taught word 4") == ("lært ord 4", "")
        assert about("house") == ("hele huset", "")
        assert about("Lars") == ("Lars", "")
        assert about("route 66") == ("route 66", "")


def test_what_was_set_right_is_said_in_words() -> None:
    detail = {"field": "sentiment", "before": "positive", "after": "negative"}
    with speaking("sv"):
        view = line_view(Line(id=1, at=NOW, by="Lars", action="correct", subject="post 8", detail=detail), NOW)
        assert (view.before, view.after, view.more) == ("Positiv", "Negativ", "fält: Stämning")
        detail = {"before": "open", "after": "acknowledged", "through": "dashboard"}
        line = Line(id=1, at=NOW, by="Lars", action="alert acknowledged", subject="alert 8", detail=detail)
        assert (line_view(line, NOW).after, line_view(line, NOW).more) == ("omhändertaget", "via: Genlyd")
