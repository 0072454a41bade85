"""Watches tried on stored posts: what each would hear, by which word, and what nobody would hear any more."""

from typing import Any

from core.assessment import Language
from core.decision import Heard
from core.post import Platform
from core.watch import Via, Watch
from core.watch_trial import Ours, WatchTrial, try_watches
from tests.builders import a_heard, a_mention, a_post

ACCOUNTS = {
    "x-main": Ours(name="x-main", platform=Platform.X, handle="fjordnet"),
    "reddit-main": Ours(name="reddit-main", platform=Platform.REDDIT, handle="fjordnet"),
}
ALL = Watch(account="x-main")


def heard(text: str, *, summons: bool = False, **post: Any) -> Heard:
    return a_heard(mention=a_mention(post=a_post(text=text, **post), is_summons=summons))


def a_trial(*watches: Watch, posts: list[Heard], in_force: tuple[Watch, ...] = ()) -> WatchTrial:
    return try_watches(posts, watches, in_force, ACCOUNTS, all_posts=len(posts))


def test_a_watch_tells_how_many_it_would_hear_and_which_word_does_it() -> None:
    posts = [heard("ingen strøm #Nede"), heard("fjord net er nede"), heard("noget andet")]
    trial = a_trial(Watch(account="x-main", hashtags=("nede",), keywords=("fjord net", "væk")), posts=posts)
    [watch] = trial.watches
    assert (watch.heard, watch.of, watch.only_here) == (2, 3, 2)
    assert [(word.word, word.via, word.heard) for word in watch.words] == [
        ("#nede", Via.HASHTAG, 1),
        ("fjord net", Via.KEYWORD, 1),
        ("væk", Via.KEYWORD, 0),
    ]
    assert [one.mention.post.text for one in watch.examples] == ["ingen strøm #Nede", "fjord net er nede"]


def test_a_post_of_another_platform_is_not_for_a_watch() -> None:
    posts = [heard("fjord", platform=Platform.REDDIT), heard("fjord")]
    trial = a_trial(Watch(account="x-main", keywords=("fjord",)), posts=posts)
    assert (trial.watches[0].heard, trial.watches[0].of, trial.posts) == (1, 1, 2)


def test_who_addressed_us_is_on_record_and_counts_as_a_mention() -> None:
    trial = a_trial(ALL, posts=[heard("@fjordnet hej", summons=True), heard("hej")])
    assert (trial.watches[0].heard, trial.watches[0].summoned) == (1, 1)


def test_exclusions_are_counted_and_hear_nothing() -> None:
    trial = a_trial(
        Watch(account="x-main", keywords=("fjord",), exclude=("job",)), posts=[heard("fjord"), heard("job i fjord")]
    )
    assert (trial.watches[0].heard, trial.watches[0].excluded) == (1, 1)


def test_what_nobody_would_hear_any_more_is_told() -> None:
    before = Watch(account="x-main", mentions=False, keywords=("fjord", "net"))
    trial = a_trial(
        Watch(account="x-main", mentions=False, keywords=("fjord",)),
        posts=[heard("fjord"), heard("net"), heard("hverken")],
        in_force=(before,),
    )
    assert (trial.lost, [one.mention.post.text for one in trial.lost_examples]) == (1, ["net"])


def test_what_two_watches_hear_is_not_heard_by_one_alone() -> None:
    one, two = Watch(account="x-main", keywords=("fjord",)), Watch(account="x-main", keywords=("fjord", "net"))
    trial = a_trial(one, two, posts=[heard("fjord"), heard("net")])
    assert [watch.only_here for watch in trial.watches] == [0, 1]


def test_a_word_that_is_in_nearly_everything_is_told() -> None:
    posts = [heard("og så videre") for _ in range(19)] + [heard("slut")]
    [watch] = a_trial(Watch(account="x-main", keywords=("og", "slut")), posts=posts).watches
    assert [word.is_nearly_all for word in watch.words] == [True, False]
    [few] = a_trial(Watch(account="x-main", keywords=("og",)), posts=posts[:3]).watches
    assert not few.words[0].is_nearly_all


def test_a_language_narrows_words_where_the_platform_tells_and_nothing_else() -> None:
    watch = Watch(account="x-main", keywords=("fjord",), languages=(Language.DA,))
    posts = [
        heard("fjord", language_hint="da"),
        heard("fjord", language_hint="no"),
        heard("fjord", language_hint="sv"),
        heard("fjord", language_hint="und"),
        heard("fjord"),
        heard("@fjordnet fjord", language_hint="fi", summons=True),
    ]
    [tried] = a_trial(watch, posts=posts).watches
    assert [one.mention.post.language_hint for one in tried.examples] == ["da", "no", "und", None, "fi"]
