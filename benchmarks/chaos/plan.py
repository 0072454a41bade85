"""What a seed means: every post of the public, every fault of the platforms, every blow to our processes.

Owns the plan, and says of each post whether it concerns us and whether it may be answered by itself. Pure: the same
seed gives the same plan, whatever becomes of it. Times are counted in posts, so that a slow machine plays the same.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.words import machine_name, name, said

# How often each kind of post comes, of a thousand.
_KINDS = {
    "complaint": 330, "question": 200, "praise": 110, "thread": 80, "many": 50, "deleted": 50, "noise": 40,
    "unsummoned": 40, "bot": 25, "old": 20, "pong": 15, "grief": 15, "legal": 12, "stop": 8, "self_harm": 5,
}  # fmt: skip
# Kinds whose posts may be acknowledged without a person, as docs/safety.md says.
ANSWERABLE = frozenset({"complaint", "question", "praise", "thread", "many", "deleted", "pong"})
_ORDINARY = ("complaint", "question", "praise")
# At least so many of each kind, also in a short run.
_FEWEST = {"grief": 2, "legal": 2, "stop": 3, "self_harm": 2, "bot": 2, "old": 2, "pong": 2, "deleted": 4}
REDDIT_SHARE = 0.3

# Which faults, on which calls. Reading and looking take them all; what only happens at a start takes few.
REQUESTS = (
    "status", "hang", "drop", "rate_limit", "rate_limit_bare", "status_after", "hang_after", "drop_after",
)  # fmt: skip
ENDS_STREAM = ("close", "reset", "disconnect_error", "truncate")
READING = {"x": ("mentions", "search"), "reddit": ("comments", "inbox", "search")}
LOOKING = {"x": ("tweets", "user_tweets"), "reddit": ("info", "user_comments")}
STARTING = {"x": ("me", "rules", "stream"), "reddit": ("me", "token")}
SENDING = {"x": "create", "reddit": "comment"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One post of the public. `parent` is the number of an earlier turn, `gone_after` when its author deletes it."""

    number: int
    platform: str
    kind: str
    author: str
    text: str
    parent: int | None = None
    minutes_old: int = 0
    gone_after: float | None = None
    is_bot: bool = False
    is_submission: bool = False

    @property
    def concerns_us(self) -> bool:
        """Whether a watch of ours matches it."""
        return self.kind != "noise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """Something done to us or to a platform after so many posts."""

    after: int
    do: str
    seconds: float = 0.0
    house: int = 0
    platform: str = ""
    fault: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{key}={value}" for key, value in self.fault.items())
        about = [f"{self.platform} {told}".strip(), f"{self.seconds:.0f} s" if self.seconds else ""]
        return f"{self.after:>6}  {self.do:<9} house {self.house}  {', '.join(filter(None, about))}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a seed asks for. `turns` in the order of writing; `epilogue` comes when all is calm again."""

    seed: int
    processes: int
    turns: tuple[Turn, ...]
    epilogue: tuple[Turn, ...]
    blows: tuple[Blow, ...]

    def __str__(self) -> str:
        kinds = [turn.kind for turn in self.turns]
        counts = ", ".join(f"{kind} {kinds.count(kind)}" for kind in _KINDS)
        head = f"seed {self.seed}: {len(self.turns)} posts ({counts}), then {len(self.epilogue)}; after which post:"
        return "\n".join([head, *map(str, self.blows)])


def make_plan(seed: int, *, posts: int, processes: int) -> Plan:
    """Return the plan of a seed."""
    rng = random.Random(f"genlyd chaos {seed}")
    turns = tuple(_turns(rng, posts))
    return Plan(
        seed=seed,
        processes=processes,
        turns=turns,
        epilogue=tuple(_epilogue(rng, turns)),
        blows=tuple(sorted(_blows(rng, posts, processes), key=lambda blow: blow.after)),
    )


def _turns(rng: random.Random, posts: int) -> Iterator[Turn]:
    kinds = [kind for kind, fewest in _FEWEST.items() for _ in range(fewest)]
    kinds += rng.choices(list(_KINDS), weights=list(_KINDS.values()), k=max(0, posts - len(kinds)))
    rng.shuffle(kinds)
    written: dict[str, list[Turn]] = {"x": [], "reddit": []}
    regulars = {platform: [name(rng, 100_000 + number) for number in range(5)] for platform in written}
    stopped: dict[str, list[Turn]] = {"x": [], "reddit": []}
    for number, kind in enumerate(kinds):
        platform = "reddit" if rng.random() < REDDIT_SHARE else "x"
        if kind == "old":
            platform = "x"  # on Reddit a post from before the first ask is never heard, which is right
        turn = _turn(rng, number, kind, platform)
        if kind == "many":
            turn = _by(turn, rng.choice(regulars[platform]))
        if kind == "thread" and written[platform]:
            earlier = rng.choice(written[platform][-40:])
            turn = _by(turn, earlier.author, parent=earlier.number)
        if kind in _ORDINARY and stopped[platform] and rng.random() < 0.02:
            turn = _by(turn, rng.choice(stopped[platform]).author)
        if kind in _ORDINARY:
            written[platform].append(turn)
        if kind == "stop":
            stopped[platform].append(turn)
        yield turn


def _turn(rng: random.Random, number: int, kind: str, platform: str) -> Turn:
    says = kind if kind in (*_ORDINARY, "grief", "self_harm", "legal", "stop", "noise") else rng.choice(_ORDINARY)
    is_submission = kind == "unsummoned" and platform == "reddit" and rng.random() < 0.5
    return Turn(
        number=number,
        platform=platform,
        kind=kind,
        author=(machine_name if kind == "bot" else name)(rng, number),
        text=_addressed(said(says, rng), kind, platform, number),
        minutes_old=rng.randint(70, 2_000) if kind == "old" else 0,
        gone_after=rng.choice((0.0, 0.2, 0.5, 1.0, 3.0, 10.0)) if kind == "deleted" else None,
        is_bot=kind == "bot",
        is_submission=is_submission,
    )


def _addressed(text: str, kind: str, platform: str, number: int) -> str:
    if kind == "noise":
        return f"{text} ({number})"
    if kind == "unsummoned":
        return f"{text} #brandfail ({number})" if platform == "x" else f"brandware: {text} ({number})"
    # "Stop" is the whole post, so that nobody can take it for half a sentence.
    told = text if kind == "stop" else f"{text} ({number})"
    return f"@brand {told}" if platform == "x" else f"u/brand {told}"


def _by(turn: Turn, author: str, *, parent: int | None = None) -> Turn:
    return Turn(
        number=turn.number, platform=turn.platform, kind=turn.kind, author=author, text=turn.text, parent=parent
    )


def _epilogue(rng: random.Random, turns: tuple[Turn, ...]) -> Iterator[Turn]:
    """When all is calm: those who said stop write again, so do bots, and one ordinary person on each platform."""
    number = len(turns)
    for turn in [turn for turn in turns if turn.kind in ("stop", "bot")][:60]:
        kind = "after stop" if turn.kind == "stop" else "bot"
        text = _addressed(said("complaint", rng), kind, turn.platform, number)
        yield Turn(number=number, platform=turn.platform, kind=kind, author=turn.author, text=text, is_bot=turn.is_bot)
        number += 1
    for platform in ("x", "reddit"):
        text = _addressed(said("complaint", rng), "complaint", platform, number)
        yield Turn(number=number, platform=platform, kind="complaint", author=name(rng, number), text=text)
        number += 1


def _blows(rng: random.Random, posts: int, processes: int) -> Iterator[Blow]:
    is_short = posts < 2_000

    def some(count: int) -> list[int]:
        return [rng.randint(posts // 20, posts * 9 // 10) for _ in range(count)]

    yield from _faults(rng, is_short, some)
    # A house's own Valkey comes back with the next start only, so in a short run it is flushed before it is killed.
    flush, valkey = sorted(some(2))
    if is_short:
        yield from (Blow(after=flush, do="flush"), Blow(after=valkey, do="valkey"))
    blows = {"freeze": 1} if is_short else {"flush": 3, "valkey": 2, "freeze": 3}
    if processes > 1:
        blows |= (
            {"kill": 3, "cut": 1, "hush": 1, "postgres": 1}
            if is_short
            else {"kill": 24, "cut": 4, "hush": 4, "postgres": 3}
        )
    else:
        blows |= {"kill": 2} if is_short else {"kill": 6, "long kill": 1}
    longest = {"freeze": (1, 3) if is_short else (2, 15), "cut": (2, 4) if is_short else (4, 25)}
    longest["hush"] = longest["cut"]
    longest |= {"long kill": (70, 75)}
    for do, count in blows.items():
        for after in some(count):
            seconds = rng.uniform(*longest[do]) if do in longest else 0.0
            yield Blow(after=after, do=do, seconds=seconds, house=rng.randrange(processes))
    for platform in ("x", "reddit"):
        for after in some(1 if is_short else 2):
            yield Blow(after=after, do="down", platform=platform, seconds=rng.uniform(2, 4 if is_short else 20))


def _faults(rng: random.Random, is_short: bool, some: Any) -> Iterator[Blow]:
    def blow(platform: str, on: str, do: str, after: int) -> Blow:
        return Blow(after=after, do="fault", platform=platform, fault=_fault(rng, on, do, is_short=is_short))

    def kinds(count: int) -> list[str]:
        # A bare limit asks for a minute of waiting, which a short run has not.
        known = [kind for kind in REQUESTS if not (is_short and kind == "rate_limit_bare")]
        return rng.sample(known, min(count, len(known)))

    for platform in ("x", "reddit"):
        for on in READING[platform]:
            yield from (blow(platform, on, do, after) for do in kinds(1 if is_short else 4) for after in some(1))
        for on in LOOKING[platform]:
            yield from (blow(platform, on, do, after) for do in kinds(1 if is_short else 3) for after in some(1))
        if not is_short:
            # They fire at the next start, or when the stream connects anew.
            yield from (
                blow(platform, on, do, after) for on in STARTING[platform] for do in kinds(1) for after in some(1)
            )
        yield blow(platform, STARTING[platform][0], "status", 0)
        yield from (blow(platform, SENDING[platform], do, after) for do in kinds(8) for after in some(1))
    yield from (blow("reddit", "comment", "api_error", after) for after in some(1))
    yield blow("x", "rules_change", "status", 0)
    ends = rng.sample(ENDS_STREAM, 2) if is_short else list(ENDS_STREAM)
    yield from (blow("x", "stream", do, after) for do in (*ends, "garbage", "stall") for after in some(1))


def _fault(rng: random.Random, on: str, do: str, *, is_short: bool) -> dict[str, Any]:
    fault: dict[str, Any] = {"on": on, "do": do}
    if do.startswith(("drop", "hang")) and on not in (*SENDING.values(), "token"):
        # aiohttp asks a GET that broke off once more by itself; the second time it tells us.
        fault["times"] = 2
    if do.startswith("status"):
        fault |= {"status": rng.choice((500, 502, 503)), "html": rng.random() < 0.3}
    if do.startswith("hang"):
        fault["seconds"] = round(rng.uniform(1, 3 if is_short else 22), 1)
    if do in ("rate_limit", "api_error"):
        fault["seconds"] = rng.randint(1, 3 if is_short else 8)
    if do == "stall":
        # X is quiet for 20 seconds at most; after 25 we hang up.
        fault["seconds"] = 3 if is_short else rng.choice((10, 32))
    return fault
