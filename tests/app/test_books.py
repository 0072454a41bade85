"""Rulebooks in TOML: read with the same errors as the file, spelled so that they read the same, and followed whole."""

import asyncio
import time
from pathlib import Path

import pytest

from app import books
from app.config import parse
from app.following import Follower, Ruling, follow_rules, follow_watches
from app.wiring import build_trials
from core.assessment import Intent, Language
from core.clock import ManualClock
from core.config import AccountConfig, Config, Rule
from core.errors import ConfigError
from core.post import Platform
from core.rulebook import FILE, Kind
from core.watch import Via, Watch
from responder.draft import load
from responder.rules import DEFAULT_RULES
from responder.worker import Desk
from store.database import open_database
from store.rulebooks import Rulebooks
from tests.builders import NOW

ROOT = Path(__file__).parents[2]
ACCOUNTS = (
    AccountConfig(name="x-main", platform=Platform.X, handle="hav", credentials={}),
    AccountConfig(name="reddit-main", platform=Platform.REDDIT, handle="hav", credentials={}),
)
WATCHES = (
    Watch(account="x-main", hashtags=("hav",), keywords=("hav energi\t\x7f", 'b"y'), languages=(Language.DA,)),
    Watch(account="reddit-main", subreddits=("denmark",), exclude=("job\\",)),
)
RULES = (
    *DEFAULT_RULES,
    Rule(
        name='a "strange"\nname',
        reply="draft",
        escalate=True,
        due_in_hours=True,
        accounts=frozenset({"x-main"}),
        intents=frozenset({Intent.OPT_OUT, Intent.GRIEF}),
        via=frozenset(Via),
        confidence_at_least=0.25,
        urgency_below=7,
    ),
)
_FROM_THE_FUTURE = '[[rules]]\nname = "a"\nfrom_the_future = true\n'


def test_what_is_spelled_reads_the_same() -> None:
    assert books.read_rules(books.spell_rules(RULES), ["x-main"]) == RULES
    assert books.read_watches(books.spell_watches(WATCHES), ACCOUNTS) == WATCHES


def test_the_example_file_reads_the_same_once_it_is_spelled() -> None:
    class Everything(dict[str, str]):
        def get(self, key: str, default: str | None = None) -> str:  # type: ignore[override]
            return key

        def __getitem__(self, key: str) -> str:
            return key

    text = (ROOT / "genlyd.example.toml").read_text(encoding="utf-8")
    config = parse(text, file="example", environment=Everything())
    names = [account.name for account in config.accounts]
    assert books.read_rules(books.spell(Kind.RULES, config), names) == config.rules
    assert books.read_watches(books.spell(Kind.WATCHES, config), config.accounts) == config.watches


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rules: there is none: write at least one [[rules]]"),
        ("# only a remark\n", "rules: there is none"),
        ('[[rules]]\nname = "a"\n[store]\ndata = "x"', "line 3: store: does not belong here: only [[rules]] may stand"),
        ('[[rules]]\nname = "a"\naccounts = ["x-mian"]', "line 3: rules[1].accounts: there is no account 'x-mian'"),
        ("rules = 3", "line 1: rules: must be a list of tables"),
        ("[[rules]]\nname = ", "line 2: syntax: this is not TOML"),
        ('[[rules]]\nname = "a"\n' * 201, "there are 201; 200 are the most"),
    ],
)
def test_a_bad_rulebook_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        books.read_rules(text, ["x-main", "reddit-main"])
    assert said in str(refused.value)


def test_bad_watches_are_refused_all_at_once() -> None:
    text = '[[watches]]\naccount = "no"\nlanguages = ["dk"]\n[[watches]]\naccount = "x-main"\nsubreddits = ["a"]\n'
    with pytest.raises(ConfigError) as refused:
        books.read_watches(text, ACCOUNTS)
    assert [problem.line for problem in refused.value.problems] == [2, 3, 6]


@pytest.mark.parametrize("line", ["[" + " " * 60_000, "[a" + " b" * 30_000, "a" + " " * 60_000, '\\"' * 30_000])
def test_no_line_within_a_text_keeps_the_reader_busy(line: str) -> None:
    text = f"[[rules]]\nname = '''\n{line}\n'''\n"
    began = time.process_time()
    assert len(books.read_rules(text, [])) == 1
    # A hundredth of it on an idle machine; it was hours.
    assert time.process_time() - began < 5


@pytest.mark.parametrize("part", ["a", '"a.b"', '"\\""', "'a'"])
@pytest.mark.parametrize("shape", ["{}=1", "[{}]", "a = {{{} = 1}}"])
def test_a_name_of_very_many_parts_is_refused_with_its_line(part: str, shape: str) -> None:
    with pytest.raises(ConfigError) as refused:
        books.read_rules("\n" + shape.format(" . ".join([part] * 7_000)), [])
    assert "line 2: syntax: a name has more than 20 dots" in str(refused.value)


def test_dots_within_a_text_are_no_parts_of_a_name() -> None:
    text = f'[[rules]]\nname = "{"." * 50} {"a" * 500}. {"One sentence. " * 30}"'
    assert len(books.read_rules(text, [])) == 1


def test_a_text_longer_than_anybody_writes_is_refused_and_says_how_long_it_may_be() -> None:
    with pytest.raises(ConfigError, match="the text has 64001 characters; 64000 are the most: shorten it"):
        books.read_rules("#" * 64_001, [])
    with pytest.raises(ConfigError, match="the text has 64001 characters; 64000 are the most: shorten it"):
        books.read_watches("#" * 64_001, ACCOUNTS)


def test_words_that_no_platform_can_seek_are_refused_with_their_lines() -> None:
    words = f'hashtags = ["_"]\nkeywords = ["{"k" * 1_100}", "!", "C++", "🔥"]\nexclude = ["job", "..."]\n'
    with pytest.raises(ConfigError) as refused:
        books.read_watches(f'[[watches]]\naccount = "x-main"\n{words}', ACCOUNTS)
    said = [(problem.line, problem.what.split(",")[0]) for problem in refused.value.problems]
    assert said == [
        (3, "'_' has no letter"),
        (4, "'kkkkkkkkkkkkkkkkkkkk…' has 1100 characters; 200 are the most"),
        (4, "'!' has no letter"),
        (5, "'...' has no letter"),
    ]


async def test_others_are_served_while_a_text_is_read(tmp_path: Path) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    try:
        trials = build_trials(Config(accounts=ACCOUNTS, rules=RULES, watches=WATCHES), database, ManualClock(NOW))
        other = asyncio.create_task(turn())
        for kind, text in ((Kind.RULES, books.spell_rules(RULES * 9)), (Kind.WATCHES, books.spell_watches(WATCHES))):
            before = turns
            assert await trials.problems(kind, text) == ()
            assert turns > before
        other.cancel()
    finally:
        await database.close()


async def test_a_follower_takes_each_version_whole_and_the_file_again(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    try:
        store = Rulebooks(database)
        config = Config(accounts=ACCOUNTS, rules=DEFAULT_RULES, watches=WATCHES)
        rules, watches = follow_rules(config, store), follow_watches(config, store)
        desk = Desk(
            rules=DEFAULT_RULES,
            templates=load(brand="Hav", house_language=Language.DA, signatures={}),
            dashboard_url="",
        )
        ruling = Ruling(desk, rules)
        assert (await ruling.fresh()).rules == DEFAULT_RULES
        first = await _put(store, books.spell_rules(RULES), FILE)
        taken = await ruling.fresh()
        assert (taken.rules, taken.rulebook) == (RULES, first)
        assert await watches.fresh() == WATCHES
        second = await _put(store, None, first)
        back = await ruling.fresh()
        assert (back.rules, back.rulebook) == (DEFAULT_RULES, second)
    finally:
        await database.close()


async def test_a_version_that_cannot_be_read_here_changes_nothing_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    try:
        store = Rulebooks(database)
        follower: Follower[Rule] = follow_rules(Config(accounts=ACCOUNTS, rules=DEFAULT_RULES), store)
        assert await follower.fresh() == DEFAULT_RULES
        first = await _put(store, _FROM_THE_FUTURE, FILE)
        assert await follower.fresh() == DEFAULT_RULES
        assert follower.problem == "version 1 of the rules cannot be read here; mend it on the page /rules"
        assert "what was put live cannot be read here" in caplog.text
        await _put(store, '[[rules]]\nname = "a"\n', first)
        assert [rule.name for rule in await follower.fresh()] == ["a"]
        assert follower.problem == ""
    finally:
        await database.close()


async def test_who_cannot_read_the_rules_in_force_at_start_answers_nothing_by_itself_and_still_calls_people(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    try:
        store = Rulebooks(database)
        first = await _put(store, _FROM_THE_FUTURE, FILE)
        follower = follow_rules(Config(accounts=ACCOUNTS, rules=DEFAULT_RULES), store)
        started = await follower.fresh()
        assert "automatic" not in {rule.reply for rule in started}
        assert [rule.escalate for rule in started] == [rule.escalate for rule in DEFAULT_RULES]
        assert "nothing is answered by itself until it can be" in follower.problem
        assert "what was put live cannot be read here" in caplog.text
        second = await _put(store, _FROM_THE_FUTURE, first)
        assert await follower.fresh() == started
        await _put(store, '[[rules]]\nname = "a"\nreply = "automatic"\n', second)
        assert [rule.reply for rule in await follower.fresh()] == ["automatic"]
        assert follower.problem == ""
    finally:
        await database.close()


async def test_who_cannot_read_the_watches_in_force_at_start_hears_by_the_files_and_says_so(tmp_path: Path) -> None:
    database = await open_database(f"sqlite:///{tmp_path}/genlyd.db")
    try:
        store = Rulebooks(database)
        await _put(store, _FROM_THE_FUTURE, FILE, kind=Kind.WATCHES)
        follower = follow_watches(Config(accounts=ACCOUNTS, watches=WATCHES), store)
        assert await follower.fresh() == WATCHES
        assert "the file's are followed until it can be" in follower.problem
    finally:
        await database.close()


async def _put(store: Rulebooks, text: str | None, follows: int, kind: Kind = Kind.RULES) -> int:
    return await store.put_live(kind, text, follows=follows, file_print="", note="", changed=(), by="Mette", at=NOW)
