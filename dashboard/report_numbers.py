"""All numbers of one page, asked at one moment.

Owns which questions the page asks. Refuses to say them in words: `present_reports` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.report import TOOK, Answer, Facet, Kind, Period, split
from core.sla import Hours
from dashboard.report_address import Asked, of_days
from store.combined import Combined, Tally, summed
from store.database import Database
from store.reports import Reports

_HEARD = (Facet.MOOD, Facet.LANGUAGE, Facet.TOPIC, Facet.PLATFORM, Facet.WATCH, Facet.LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What was counted. `taken` holds, for each way of timing an answer, how many seconds each took, in order.

    Each post is looked at once, however many tables there are: that is what a million posts allow.
    """

    parts: Sequence[Period]
    # The posts of each part, and all of them.
    series: Sequence[Combined]
    heard: Combined
    standing: Mapping[str, int]
    taken: Mapping[Facet, Sequence[float]]
    # Of the conversations that a person answered.
    solved: Combined
    due: Combined
    replies: Tally
    moves: Tally
    drafts: Combined


async def ask(database: Database, hours: Hours, asked: Asked, *, at: datetime) -> Numbers:
    """Return the page's numbers as they stand now. Raises: StoreError."""
    parts = split(asked.days, asked.zone)
    posts, conversations = asked.which(Kind.POSTS), asked.which(Kind.CONVERSATIONS)
    by_people = asked.which(Kind.REPLIES).having(Facet.AUTOMATIC, "no")
    async with Reports(database, hours).look(at=at) as look:
        series = [await look.combined(of_days(posts, part), *_HEARD) for part in parts]
        standing = await look.tally(conversations, Facet.ANSWER)
        return Numbers(
            parts=parts,
            series=series,
            heard=summed(series),
            standing={answer: standing[answer,] for answer in Answer},
            taken={facet: await look.times(conversations, facet) for facet in (TOOK if hours.ever_close else TOOK[:2])},
            solved=await look.combined(conversations.having(Facet.ANSWER, Answer.PERSON), Facet.TOPIC, Facet.SOLVED),
            due=await look.combined(asked.which(Kind.PROMISES), Facet.RULE, Facet.OUTCOME),
            replies=await look.tally(by_people, Facet.BY),
            moves=await look.tally(asked.which(Kind.MOVES), Facet.BY, Facet.MOVE),
            drafts=await look.combined(
                asked.which(Kind.DRAFTS), Facet.LANGUAGE, Facet.RULE, Facet.TEMPLATE, Facet.FATE
            ),
        )
