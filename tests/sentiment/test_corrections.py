"""What people taught and corrected reaches posts that are read later: within two seconds, and across upgrades."""

from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from core.assessment import Intent, Language, Probabilities, Sentiment
from core.clock import ManualClock
from core.correction import Change, Field, Lesson, TaughtCue, Value
from core.decision import Action, Facts, Plan
from core.errors import StoreError
from sentiment import cues
from sentiment.base import Namer, Reading
from sentiment.corrections import effects, lessons_of
from sentiment.guidance import FRESH_FOR, Guidance
from sentiment.language import LanguageReader
from sentiment.meaning import packed
from sentiment.reader import Reader
from sentiment.urgency import UrgencyReader
from sentiment.worker import _assess
from store import tables as t
from store.bell import Bell
from store.corrections import Corrections
from store.database import Database, open_database
from store.decisions import Decisions
from store.posts import Posts
from store.taught import TaughtWords
from tests.builders import NOW, a_mention, a_plan, a_post, an_assessment, an_author, saved

EVEN = Probabilities(negative=0.2, neutral=0.6, positive=0.2)
CUES = UrgencyReader()
LANGUAGES = LanguageReader()


def direction(degrees: float) -> NDArray[np.float32]:
    turned = np.zeros(384, dtype=np.float32)
    turned[0], turned[1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return turned


class FakeModel:
    """Finds everything neutral. The number in a text is the direction of its meaning."""

    name = "fake"

    def __init__(self, version: str = "1", *, turned: float = 0.0, fails: bool = False, embeds: bool = True) -> None:
        self.version = version
        self._turned = turned
        self._fails = fails
        self._embeds = embeds
        self.texts: list[str] = []

    def read(self, texts: Sequence[str], languages: Sequence[Language] | Namer) -> list[Reading]:
        if self._fails:
            raise RuntimeError("the model fails")
        self.texts += texts
        return [
            Reading(
                language=Language.DA,
                probabilities=EVEN,
                embedding=direction(self._degrees(text)) if self._embeds else None,
            )
            for text in texts
        ]

    def _degrees(self, text: str) -> float:
        return self._turned + float(next((word for word in text.split() if word.isdigit()), "0"))


def a_reader(model: FakeModel) -> Reader:
    return Reader(model, LANGUAGES, CUES, unsure_below=0.4)


def a_lesson(degrees: float = 0, **changes: object) -> Lesson:
    values: dict[str, object] = {
        "correction_id": 1,
        "account": "x-main",
        "field": Field.SENTIMENT,
        "now": Sentiment.NEGATIVE,
        "embedding": packed(direction(degrees)),
        "model_version": "1",
    }
    return Lesson(**{**values, **changes})  # type: ignore[arg-type]


def test_a_lesson_applies_to_what_says_nearly_the_same_to_the_same_account_by_the_same_model() -> None:
    lessons = lessons_of(
        [
            a_lesson(0),
            a_lesson(10, correction_id=2, field=Field.URGENCY, now=90),
            a_lesson(80, correction_id=3),
            a_lesson(0, correction_id=4, account="x-other"),
            a_lesson(0, correction_id=5, model_version="2"),
        ]
    )
    read = an_assessment(embedding=packed(direction(2)))
    found = effects(lessons, read, "x-main")
    assert [(one.correction_id, one.field, one.now) for one in found] == [
        (1, Field.SENTIMENT, Sentiment.NEGATIVE),
        (2, Field.URGENCY, 90),
    ]
    assert found[0].likeness == pytest.approx(0.999, abs=0.002)
    assert effects(lessons, read, "x-unknown") == ()


def test_what_has_no_meaning_kept_is_left_alone() -> None:
    assert effects(lessons_of([a_lesson()]), an_assessment(embedding=None), "x-main") == ()
    assert effects(lessons_of([]), an_assessment(embedding=packed(direction(0))), "x-main") == ()


def _urgency(reader: UrgencyReader, text: str) -> int:
    return reader.judge(text, language=Language.DA, probabilities=EVEN).urgency


@pytest.mark.parametrize("language", Language)
def test_a_taught_word_is_a_cue_of_its_own_name_in_every_language(language: Language) -> None:
    taught = CUES.with_taught([TaughtCue(phrase="kaput", points=30)])
    judged = taught.judge("Nu er skærmen KAPUT", language=language, probabilities=EVEN)
    (reason,) = [reason for reason in judged.reasons if reason.cue == "kaput"]
    assert (reason.words, reason.points, reason.spans) == ("KAPUT", 30, ((14, 19),))


def test_teaching_changes_neither_the_reader_that_was_nor_the_words_that_came_with_it() -> None:
    text = "Nettet er nede igen og skærmen er kaput"
    before = _urgency(CUES, text)
    taught = CUES.with_taught([TaughtCue(phrase="kaput", points=30)])
    assert _urgency(taught, text) > before
    assert _urgency(CUES, text) == before
    assert _urgency(taught.with_taught([]), text) > before
    assert _urgency(taught, "Nettet er nede igen") == _urgency(CUES, "Nettet er nede igen")


def test_a_taught_word_may_calm() -> None:
    calm = CUES.with_taught([TaughtCue(phrase="kaputt*", points=-40)])
    assert _urgency(calm, "nettet er nede, kaputtet") < _urgency(CUES, "nettet er nede, kaputtet")


@pytest.mark.parametrize(
    ("phrase", "found", "missed"),
    [
        ("defekt*", "skærmen er defekten", "skærmen er udefekt"),
        ("*fejl", "en systemfejl her", "fejlen er her"),
        ("død|dødt", "telefonen er DØDT", "telefonen er døden"),
        ("app ~ nede", "appen? app er helt nede", "nede i app"),
        ("# gange", "ringet tre gange", "ringet gange"),
        ("åh nej", "Aah nej altså", "nej åh"),
        ("e-mail", "min e-mail virker", "mail virker"),
        ("💩", "hvad er det her💩", "hvad er det her"),
        ("kaput", "kapuuuut", "kaputt er det"),
        ("kaput", "kaput", "det er ikke kaput"),
    ],
)
def test_a_taught_phrase_is_read_as_the_phrases_of_the_file(phrase: str, found: str, missed: str) -> None:
    taught = CUES.with_taught([TaughtCue(phrase=phrase, points=30)])
    assert _urgency(taught, found) > _urgency(CUES, found)
    assert _urgency(taught, missed) == _urgency(CUES, missed)


@pytest.mark.parametrize("phrase", ["aa|*aa* # aa* ~ ab", "*aa* *aa* *aa*", "*ab* ~ *ab* ~ *ab*", "*aa*"])
def test_no_taught_phrase_makes_a_hostile_post_slow(phrase: str) -> None:
    """Without a bound on what * stands for, the first of these takes minutes."""
    cue = cues.taught(TaughtCue(phrase=phrase, points=30))
    for text in ("a" * 5_000, "ab " * 2_000, "aaab " * 1_500, "1 aa " * 1_500, "é\u0301" * 3_000):
        folded = cues.fold(text)
        began = monotonic()
        cue.find(folded, Language.DA)
        assert monotonic() - began < 2.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(f"sqlite:///{tmp_path / 'genlyd.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as made:
        yield made


@pytest.fixture
async def bell() -> AsyncIterator[Bell]:
    """Nobody hears it: the rows are the truth."""
    opened = Bell.open("redis://127.0.0.1:1/0", consumer="test")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@dataclass
class Worker:
    """Hears texts of different people and lets the worker's own step read them."""

    database: Database
    thread: ThreadPoolExecutor
    bell: Bell
    clock: ManualClock
    heard: int = 0

    async def read(self, guidance: Guidance[Reader], *texts: str, account: str = "x-main") -> list[int]:
        """Return the posts' ids."""
        mentions = []
        for text in texts:
            self.heard += 1
            post = a_post(str(self.heard), text=text, author=an_author(str(self.heard), followers=None))
            mentions.append(a_mention(post=post, account=account))
        ids = await saved(self.database, *mentions)
        await _assess(ids, guidance, Posts(self.database), self.bell, self.clock, self.thread)
        return ids


@pytest.fixture
def worker(database: Database, thread: ThreadPoolExecutor, bell: Bell, clock: ManualClock) -> Worker:
    return Worker(database, thread, bell, clock)


def a_guidance(database: Database, clock: ManualClock, model: FakeModel | None = None) -> Guidance[Reader]:
    return Guidance(a_reader(model or FakeModel()), Corrections(database), TaughtWords(database), clock)


async def correct(
    database: Database, post_id: int, now: Value, was: Value = Sentiment.NEUTRAL, field: Field = Field.SENTIMENT
) -> int:
    change = Change(field=field, was=was, now=now)
    made = await Corrections(database).make(post_id, [change], by="Mette", spreads=True, at=NOW)
    return made.ids[0]


async def decided_as(database: Database, post_id: int) -> tuple[str, tuple[str, ...]]:
    """What a rule sees of a post: the mood and who set it."""
    seen: list[Facts] = []

    def look(facts: Facts) -> Plan:
        seen.append(facts)
        return a_plan(Action.SHOW)(facts)

    await Decisions(database, repeat_alert_after=timedelta(hours=1)).decide(post_id, look, at=NOW)
    return seen[0].assessment.sentiment.value, seen[0].assessment.corrected


async def test_a_new_post_that_says_the_same_is_corrected_before_a_rule_sees_it(
    database: Database, clock: ManualClock, worker: Worker
) -> None:
    guidance = a_guidance(database, clock)
    (first,) = await worker.read(guidance, "meaning 10")
    await correct(database, first, Sentiment.NEGATIVE)
    await clock.advance(FRESH_FOR.total_seconds())
    alike, apart = await worker.read(guidance, "meaning 12", "meaning 50")
    (elsewhere,) = await worker.read(guidance, "meaning 10", account="x-other")
    assert await decided_as(database, alike) == ("negative", ("sentiment",))
    assert await decided_as(database, apart) == ("neutral", ())
    assert await decided_as(database, elsewhere) == ("neutral", ())
    (listed,) = await Corrections(database).all()
    assert [one.post_id for one in listed.named] == [first, alike]


async def test_the_latest_of_two_corrections_wins_and_undoing_it_gives_the_other_its_word(
    database: Database, clock: ManualClock, worker: Worker
) -> None:
    guidance = a_guidance(database, clock)
    first, second = await worker.read(guidance, "meaning 0", "meaning 40")
    await correct(database, first, Sentiment.NEGATIVE)
    latest = await correct(database, second, Sentiment.POSITIVE)
    await clock.advance(FRESH_FOR.total_seconds())
    (between,) = await worker.read(guidance, "meaning 20")
    assert await decided_as(database, between) == ("positive", ("sentiment",))
    await Corrections(database).undo(latest, by="Lars", at=NOW)
    assert await _sentiment_of(database, between) == "negative"


async def _sentiment_of(database: Database, post_id: int) -> str:
    async with database.read() as connection:
        query = select(t.assessments.c.sentiment).where(t.assessments.c.post_id == post_id)
        return str((await connection.execute(query)).scalar_one())


async def test_intents_are_set_right_on_new_posts_too(database: Database, clock: ManualClock, worker: Worker) -> None:
    guidance = a_guidance(database, clock)
    (first,) = await worker.read(guidance, "meaning 10")
    await correct(database, first, (Intent.SAFETY,), (), Field.INTENTS)
    await clock.advance(FRESH_FOR.total_seconds())
    (alike,) = await worker.read(guidance, "meaning 12")
    assert (await decided_as(database, alike))[1] == ("intents",)


async def test_what_is_taught_reaches_a_running_worker_within_two_seconds_and_not_each_post_asks(
    database: Database, clock: ManualClock, thread: ThreadPoolExecutor
) -> None:
    guidance = a_guidance(database, clock)
    plain = await guidance.fresh(thread)
    taught = await TaughtWords(database).teach(TaughtCue(phrase="kaput", points=40), by="Mette", at=NOW)
    await clock.advance(1.9)
    assert await guidance.fresh(thread) is plain
    await clock.advance(0.1)
    known = await guidance.fresh(thread)
    texts = ["skærmen er kaput", "skærmen er hel"]
    before = [one.urgency for one in plain.reader.read(texts, [None] * 2, [None] * 2)]
    after = [one.urgency for one in known.reader.read(texts, [None] * 2, [None] * 2)]
    assert after[0] > before[0]
    assert after[1] == before[1]
    await TaughtWords(database).undo(taught, by="Mette", at=NOW)
    await clock.advance(2)
    again = (await guidance.fresh(thread)).reader.read(texts, [None] * 2, [None] * 2)
    assert [one.urgency for one in again] == before


async def test_a_clock_that_was_set_back_asks_again(
    database: Database, clock: ManualClock, thread: ThreadPoolExecutor
) -> None:
    guidance = a_guidance(database, clock)
    plain = await guidance.fresh(thread)
    clock._now = NOW - timedelta(days=1)
    assert await guidance.fresh(thread) is not plain


async def test_an_upgrade_of_the_model_forgets_no_correction(
    database: Database, clock: ManualClock, worker: Worker
) -> None:
    (first,) = await worker.read(a_guidance(database, clock), "meaning 10")
    await correct(database, first, Sentiment.NEGATIVE)
    # In the new model's mind every meaning lies elsewhere.
    newer = FakeModel("2", turned=90)
    guidance = a_guidance(database, clock, newer)
    (alike,) = await worker.read(guidance, "meaning 12")
    assert await decided_as(database, alike) == ("negative", ("sentiment",))
    read_once = newer.texts.count("meaning 10")
    await clock.advance(10)
    await worker.read(guidance, "meaning 50")
    assert newer.texts.count("meaning 10") == read_once


class Failing(Corrections):
    """Its database fails once, in the middle of the upgrade."""

    has_failed = False

    async def renew(self, correction_id: int, embedding: bytes, model_version: str) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise StoreError("the database is locked")
        await super().renew(correction_id, embedding, model_version)


async def test_an_upgrade_that_the_database_interrupts_goes_on(
    database: Database, clock: ManualClock, thread: ThreadPoolExecutor, worker: Worker
) -> None:
    (first,) = await worker.read(a_guidance(database, clock), "meaning 10")
    await correct(database, first, Sentiment.NEGATIVE)
    guidance = Guidance(a_reader(FakeModel("2")), Failing(database), TaughtWords(database), clock)
    with pytest.raises(StoreError):
        await guidance.fresh(thread)
    await guidance.fresh(thread)
    assert [lesson.model_version for lesson in await Corrections(database).lessons()] == ["2"]


async def test_an_upgrade_reads_a_few_corrections_at_a_time_so_that_new_posts_wait_for_none(
    database: Database,
    clock: ManualClock,
    thread: ThreadPoolExecutor,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentiment.guidance._AT_ONCE", 2)
    for post in await worker.read(a_guidance(database, clock), "meaning 10", "meaning 80", "meaning 150"):
        await correct(database, post, Sentiment.NEGATIVE)
    guidance = a_guidance(database, clock, FakeModel("2"))
    for renewed in (2, 3):
        await guidance.fresh(thread)
        versions = [lesson.model_version for lesson in await Corrections(database).lessons()]
        assert versions.count("2") == renewed
        await clock.advance(FRESH_FOR.total_seconds())


@pytest.mark.parametrize("newer", [FakeModel("2", fails=True), FakeModel("2", embeds=False)])
async def test_a_model_that_fails_on_an_old_post_or_keeps_no_meaning_goes_on_without_it(
    database: Database, clock: ManualClock, thread: ThreadPoolExecutor, worker: Worker, newer: FakeModel
) -> None:
    (first,) = await worker.read(a_guidance(database, clock), "meaning 10")
    await correct(database, first, Sentiment.NEGATIVE)
    guidance = a_guidance(database, clock, newer)
    await guidance.fresh(thread)
    (lesson,) = await Corrections(database).lessons()
    assert lesson.model_version == "1"
