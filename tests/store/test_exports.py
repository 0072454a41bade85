"""What is exported: every row, with plain values and instants that say their zone."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.assessment import Intent, Reason
from core.conversation import Move, Status
from core.correction import Change, Field, TaughtCue
from store.conversations import Conversations
from store.corrections import Corrections
from store.database import Database
from store.decisions import Decisions
from store.exports import QUERIES, export
from store.inbox import InboxFilters
from store.posts import Posts
from store.sources import Sources
from store.taught import TaughtWords
from tests.builders import NOW, a_mention, a_plan, an_assessment, saved


async def _exported(database: Database, what: str) -> list[dict[str, Any]]:
    return [row async for row in export(database, what)]


async def _a_day(database: Database) -> None:
    assessed_id, _ = await saved(database, a_mention("1"), a_mention("2"))
    judged = an_assessment(
        embedding=bytes([7]) * 384, intents=(Intent.OUTAGE,), reasons=(Reason(cue="c", words="væk", points=9),)
    )
    await Posts(database).save_assessments([(assessed_id, judged)], at=NOW)
    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(assessed_id, a_plan(), at=NOW)
    (card,) = (await Conversations(database).inbox(InboxFilters(statuses=(Status.OPEN,)))).cards
    version = card.conversation.version
    await Conversations(database).move(card.conversation.id, Move.TAKE_OVER, by="kari", version=version, at=NOW)
    change = Change(field=Field.INTENTS, was=(Intent.OUTAGE,), now=(Intent.BILLING,))
    await Corrections(database).make(assessed_id, [change], by="kari", spreads=True, at=NOW)
    await TaughtWords(database).teach(TaughtCue(phrase="kaput", points=30), by="kari", at=NOW)
    await Sources(database).stumble("x-main", "mentions", "the line fell", at=NOW, opens_gap=True)


@pytest.mark.parametrize(
    ("what", "count"),
    [
        ("posts", 2),
        ("conversations", 2),
        ("replies", 1),
        ("decisions", 1),
        ("gaps", 1),
        ("corrections", 1),
        ("taught", 1),
        ("audit", 3),
    ],
)
async def test_every_row_is_exported_as_json_with_instants_in_utc(database: Database, what: str, count: int) -> None:
    await _a_day(database)
    rows = await _exported(database, what)
    assert len(rows) == count
    assert json.loads(json.dumps(rows)) == rows
    for key, value in rows[0].items():
        if (key.endswith("_at") or key == "at") and value is not None:
            assert datetime.fromisoformat(value).utcoffset() == timedelta(0)


async def test_a_post_comes_with_its_author_and_assessment_or_without(database: Database) -> None:
    await _a_day(database)
    first, second = await _exported(database, "posts")
    assert (first["native_id"], first["author"], first["author_native_id"]) == ("1", "author77", "77")
    assert (first["sentiment"], first["intents"], first["reasons"]) == (
        "negative",
        ["billing"],
        [{"cue": "c", "words": "væk", "points": 9, "mood": 0.0, "spans": []}],
    )
    assert first["corrected"] == ["intents"]
    assert (second["native_id"], second["sentiment"], second["intents"]) == ("2", None, None)


async def test_a_correction_is_exported_with_who_and_what_and_without_what_was_said(database: Database) -> None:
    await _a_day(database)
    (made,) = await _exported(database, "corrections")
    assert (made["field"], made["was"], made["now"], made["person"], made["posts"]) == (
        "intents",
        ["outage"],
        ["billing"],
        "kari",
        1,
    )
    assert (made["platform"], made["native_id"], made["account"], made["undone_by"]) == ("x", "1", "x-main", None)
    assert {"text", "embedding", "url", "author", "handle"}.isdisjoint(made)


async def test_an_empty_house_exports_nothing(database: Database) -> None:
    for what in QUERIES:
        assert await _exported(database, what) == []
