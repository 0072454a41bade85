"""The worker that decides: what the bell did not bring, the sweep does, whatever the clock says."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from core.assessment import Intent, Language, Reason
from core.clock import ManualClock
from core.post import Platform
from core.watch import Via
from responder.draft import load
from responder.rules import DEFAULT_RULES
from responder.worker import Desk, run_worker
from store.bell import Bell
from store.database import Database
from store.decisions import Decisions
from store.posts import Posts
from tests.builders import (
    NOW,
    a_mention,
    a_post,
    a_rule,
    an_assessment,
    an_author,
    assessed,
    some_facts,
    some_progress,
)


def test_an_alert_names_the_words_that_would_be_enough_alone_and_no_word_that_calms_or_only_sounds() -> None:
    reasons = (
        Reason(cue="urgent words", words="røg og ild", points=0, spans=((0, 10),)),
        Reason(cue="reach", words="", points=4),
        Reason(cue="mood", words="øv", points=0, mood=0.2, spans=((11, 13),)),
        Reason(cue="øv", words="øv", points=-20, spans=((11, 13),)),
    )
    assessment = an_assessment(urgency=95, reasons=reasons)
    rules = (a_rule(name="people", escalate=True),)
    templates = load(brand="Fjordnet", house_language=Language.DA, signatures={})
    notice = Desk(rules=rules, templates=templates, dashboard_url="").plan(some_facts(assessment=assessment)).notice
    assert notice is not None
    assert "Urgency 95 because of: urgent words (røg og ild), reach\n" in notice.body


async def test_a_clock_that_is_set_back_by_an_hour_keeps_no_post_waiting(
    database: Database, bell: Bell, clock: ManualClock
) -> None:
    """Nobody rings here: what is not swept is not decided, and nobody is told of it (I8)."""
    templates = load(brand="Fjordnet", house_language=Language.DA, signatures={})
    desk = Desk(rules=DEFAULT_RULES, templates=templates, dashboard_url="")
    decisions = Decisions(database, repeat_alert_after=timedelta(minutes=60))
    looked = asyncio.Event()

    async def look() -> None:
        looked.set()

    await assessed(database, a_mention("1"), at=clock.now() - timedelta(minutes=1))
    deciding = asyncio.create_task(run_worker(desk, Posts(database), decisions, bell, clock, look_first=look))
    async with asyncio.timeout(30):
        await looked.wait()
        clock.step(-3600)
        later = a_mention(post=a_post("2", author=an_author("78"), posted_at=clock.now()))
        await assessed(database, later, at=clock.now())
        while (await Posts(database).count_by_stage()).get("decided") != 2:
            assert not deciding.done()
            await clock.advance(6)
            await asyncio.sleep(0.1)
    deciding.cancel()
    await asyncio.wait([deciding])


async def test_a_stop_that_was_overheard_first_is_obeyed_once_it_is_known_to_be_said_to_us(database: Database) -> None:
    """A subreddit's comments come before the inbox, which alone knows that they answer us."""
    templates = load(brand="Fjordnet", house_language=Language.DA, signatures={})
    desk = Desk(rules=DEFAULT_RULES, templates=templates, dashboard_url="")
    posts, decisions = Posts(database), Decisions(database, repeat_alert_after=timedelta(minutes=60))
    said = a_mention(post=a_post(platform=Platform.REDDIT, text="fjordnet lytter aldrig, stop med at skrive til mig"))
    overheard = replace(said, via=Via.KEYWORD, matched="fjordnet", is_summons=False)
    (post_id,) = await assessed(database, overheard, intents=(Intent.OPT_OUT,))
    before = await decisions.decide(post_id, desk.plan, at=NOW)
    assert before is not None
    assert not before.decision.opt_out
    (again,) = (await posts.save_batch([said], some_progress("c2", source="inbox"), at=NOW)).again
    after = await decisions.decide(again, desk.plan, at=NOW)
    assert after is not None
    assert after.decision.because == "the author asked us to stop: no automatic reply from now on"
    (later,) = await assessed(database, a_mention(post=a_post("1002", platform=Platform.REDDIT)))
    silent = await decisions.decide(later, desk.plan, at=NOW)
    assert silent is not None
    assert "opted out" in silent.decision.held
