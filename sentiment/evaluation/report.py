"""The whole evaluation: what was planned is read once, and every table made of it, as each is ready.

Owns the order of the tables. Refuses to print, and to make the model it is given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sentiment.encoder import Encoder
from sentiment.evaluation import chatter, languages, lexicons, moods, public, urgency
from sentiment.evaluation.public import Answers
from sentiment.evaluation.sets import CHATTER, CLASSES, MOODS, Plan, PublicSet, Task, sampled
from sentiment.evaluation.tables import Section
from sentiment.evaluation.urgency import Read
from sentiment.language import LanguageReader
from sentiment.reader import Reader
from sentiment.training.labels import Example
from sentiment.training.written import post_of

_AT_ONCE = 64

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What reads: the product's whole reader, and the parts of it that some figures ask directly."""

    reader: Reader
    encoder: Encoder
    languages: LanguageReader


def report(planned: Plan, parts: Parts, said: Say) -> Iterator[Section]:
    """Yield the sections, each as soon as it is known. `said` is told which set is being read."""
    yield from _public(planned, parts, said)
    yield from _own(planned, parts, said)


def _public(planned: Plan, parts: Parts, said: Say) -> Iterator[Section]:
    answered: list[Answers] = []
    for one in planned.public:
        said(f"reading {one.name}, {len(one.texts)} posts")
        answered.append(public.answer(one, parts.encoder, parts.languages))
    if answered:
        yield public.benchmark(answered)
    if answered and planned.data is not None:
        said("counting words")
        if (beside := lexicons.baselines(planned.data, answered, planned.most)) is not None:
            yield beside
    for told in (public.coverage(answered), public.worth(answered)):
        if told is not None:
            yield told


def _own(planned: Plan, parts: Parts, said: Say) -> Iterator[Section]:
    urgent = {name: _read(name, posts, parts, said) for name, posts in planned.urgency.items()}
    traps = _read(MOODS, planned.moods, parts, said)
    together = [read for reads in urgent.values() for read in reads]
    if together:
        yield urgency.urgency(urgent if len(urgent) == 1 else urgent | {" + ".join(urgent): together})
        yield urgency.intents(together)
    talk = _read(CHATTER, planned.chatter, parts, said)
    calm = {one.name: _read(f"calm posts of {one.name}", _calm(one), parts, said) for one in planned.public}
    if talk or any(calm.values()):
        yield chatter.chatter(talk, {name: reads for name, reads in calm.items() if reads})
    if traps:
        yield moods.plain_and_ironic(traps)
    if together or traps:
        yield moods.trust({name: reads for name, reads in ((" + ".join(urgent), together), (MOODS, traps)) if reads})
    if together:
        yield languages.language(together)
    if planned.paraphrases:
        said("reading paraphrases")
        yield languages.paraphrases(
            {code: parts.encoder.embed(texts).astype(float) for code, texts in planned.paraphrases.items()}
        )


def _calm(one: PublicSet) -> list[Example]:
    """Return posts of a mood set that are not negative, as posts of our own: nobody waits for an answer to them."""
    if one.task is not Task.MOOD:
        return []
    rows = zip(one.texts, one.languages, (CLASSES[one.task][at] for at in one.truth), strict=True)
    calm = [post_of(text, lang=lang, level=0, mood=mood) for text, lang, mood in rows if mood != "negative"]
    return sampled(calm, chatter.MOST)


def _read(name: str, posts: Sequence[Example], parts: Parts, said: Say) -> list[Read]:
    """Read posts as the worker does, without the platform's hint and without the author's reach."""
    if posts:
        said(f"reading {name}, {len(posts)} posts")
    out: list[Read] = []
    for start in range(0, len(posts), _AT_ONCE):
        batch = posts[start : start + _AT_ONCE]
        nothing = [None] * len(batch)
        # Explaining costs a reading for each reason, and no figure asks why.
        answers = parts.reader.read([post.text for post in batch], nothing, nothing, explain=False)
        out += [Read(post=post, said=answer) for post, answer in zip(batch, answers, strict=True)]
    return out
