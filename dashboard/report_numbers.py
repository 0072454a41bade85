"""All numbers of one page, asked at one moment.

Owns which questions the page asks. Refuses to say them in words: `present_reports` does.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.report import TOOK, Answer, Facet, Kind, Period, Response, open_time_of, seconds_taken, split
from core.sla import Hours
from dashboard.report_address import Asked, of_days
from store.database import Database
from store.reports import Reports, Tally, spread

# In this order a tally's values stand.
READ = (Facet.PLATFORM, Facet.LANGUAGE, Facet.MOOD, Facet.LATE)
ABOUT = (Facet.TOPIC, Facet.WATCH, Facet.MOOD)
DUE = (Facet.RULE, Facet.OUTCOME)
WORK = (Facet.BY, Facet.MOVE)
DRAFTS = (Facet.LANGUAGE, Facet.RULE, Facet.TEMPLATE, Facet.FATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What was counted. `taken` holds, for each way of timing an answer, how many seconds each took, in order.

    Each post is looked at twice and no more, however many tables there are: that is what a million posts allow.
    """

    parts: Sequence[Period]
    # What was read of each part's posts.
    series: Sequence[Tally]
    read: Tally
    topics: Tally
    watches: Tally
    standing: Counter[Answer]
    taken: Mapping[Facet, Sequence[float]]
    due: Tally
    replies: Tally
    moves: Tally
    drafts: Tally


async def ask(database: Database, hours: Hours, asked: Asked, *, at: datetime) -> Numbers:
    """Return the page's numbers as they stand now. Raises: StoreError."""
    parts = split(asked.days, asked.zone)
    posts = asked.which(Kind.POSTS)
    by_people = asked.which(Kind.REPLIES).having(Facet.AUTOMATIC, "no")
    async with Reports(database, hours).look(at=at) as look:
        series = [await look.tally(of_days(posts, part), *READ) for part in parts]
        about = await look.combined(posts, *ABOUT)
        responses = await look.responses(asked.which(Kind.CONVERSATIONS))
        return Numbers(
            parts=parts,
            series=series,
            read=sum(series, Counter()),
            topics=fold(spread(about, ABOUT), 0, 2),
            watches=fold(about, 1, 2),
            standing=responses.standing,
            taken=_taken(responses.answered, hours),
            due=await look.tally(asked.which(Kind.PROMISES), *DUE),
            replies=await look.tally(by_people, Facet.BY),
            moves=await look.tally(asked.which(Kind.MOVES), *WORK),
            drafts=await look.tally(asked.which(Kind.DRAFTS), *DRAFTS),
        )


def fold(tally: Tally, *places: int) -> Tally:
    """Return how many have each combination of the values at `places`, whatever the others are."""
    folded: Tally = Counter()
    for values, number in tally.items():
        folded[tuple(values[place] for place in places)] += number
    return folded


def _taken(responses: Sequence[Response], hours: Hours) -> dict[Facet, list[float]]:
    open_time = open_time_of(responses, hours)
    times = {facet: [seconds_taken(one, facet, open_time) for one in responses] for facet in TOOK}
    return {facet: sorted(one for one in found if one is not None) for facet, found in times.items()}
