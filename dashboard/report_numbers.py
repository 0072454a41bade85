"""All numbers of one page, asked at one moment.

Owns which questions the page asks. Refuses to say them in words: `present_reports` does.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.report import TOOK, Facet, Kind, Period, Response, open_time_of, seconds_taken, split
from core.sla import Hours
from dashboard.report_address import Asked
from store.database import Database
from store.reports import Reports, Tally

# In this order a tally's values stand.
READ = (Facet.PLATFORM, Facet.LANGUAGE, Facet.MOOD, Facet.LATE)
TOPICS = (Facet.TOPIC, Facet.MOOD)
WATCHES = (Facet.WATCH, Facet.MOOD)
DUE = (Facet.RULE, Facet.OUTCOME)
WORK = (Facet.BY, Facet.MOVE)
DRAFTS = (Facet.LANGUAGE, Facet.RULE, Facet.TEMPLATE, Facet.FATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What was counted. `taken` holds, for each way of timing an answer, how many seconds each took, in order."""

    parts: Sequence[Period]
    series: Sequence[Counter[str]]
    read: Tally
    topics: Tally
    watches: Tally
    responses: Sequence[Response]
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
        responses = await look.responses(asked.which(Kind.CONVERSATIONS))
        return Numbers(
            parts=parts,
            series=await look.series(posts, parts, asked.split),
            read=await look.tally(posts, *READ),
            topics=await look.tally(posts, *TOPICS),
            watches=await look.tally(posts, *WATCHES),
            responses=responses,
            taken=_taken(responses, hours),
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
