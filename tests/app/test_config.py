"""The operator's file: every problem at once, each with its line, and no secret in any of them."""

import contextlib
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import CREDENTIALS, load, parse
from app.toml_lines import line_of, lines_of
from core.assessment import Language
from core.config import Config, Secret
from core.errors import ConfigError
from core.post import Platform
from responder.rules import DEFAULT_RULES

ROOT = Path(__file__).parents[2]

WHOLE = """
brand = "Fjordnet"
language = "da"

[[accounts]]
name = "x-main"
platform = "x"
handle = "@fjordnet"
consumer_key = "env:X_KEY"
consumer_secret = "b"
access_token = "c"
access_token_secret = "d"
bearer_token = "e"
base_url = "http://127.0.0.1:8081/"
signature = "^KS"

[[accounts]]
name = "reddit-main"
platform = "reddit"
handle = "u/fjordnet"
client_id = "a"
client_secret = "b"
username = "c"
password = "d"
user_agent = "e"
poll_seconds = 5
recheck_seconds = 60
rechecks_a_day = 2000

[[watches]]
account = "x-main"
hashtags = ["#fjordnet"]
keywords = ["bredbånd væk"]
exclude = ["konkurrence"]

[[watches]]
account = "reddit-main"
mentions = false
hashtags = [" #fjordnet "]
subreddits = ["r/denmark"]

[[rules]]
name = "vrede"
reply = "automatic"
accounts = ["x-main"]

[store]
data = "/var/lib/genlyd"
retention_days = 30

[dashboard]
public_url = "https://genlyd.example"

[sentiment]
model = "hub:./mine"

[alerts]
urls = ["env:HOOK", "json://localhost/hook"]
"""
ENVIRONMENT = {"X_KEY": "from outside", "HOOK": "mailto://a:b@example.com"}


def read(text: str, **environment: str) -> Config:
    return parse(textwrap.dedent(text), file="genlyd.toml", environment=environment)


def problems(text: str, **environment: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environment)
    return [(problem.line, problem.where, problem.what) for problem in caught.value.problems]


def test_a_whole_file_is_read() -> None:
    config = read(WHOLE, **ENVIRONMENT)
    x, reddit = config.accounts
    assert (config.brand, config.language) == ("Fjordnet", Language.DA)
    assert (x.handle, x.base_url, x.signature) == ("fjordnet", "http://127.0.0.1:8081", "^KS")
    assert x.credentials["consumer_key"] == Secret("from outside")
    assert (reddit.platform, reddit.handle, reddit.poll_seconds) == (Platform.REDDIT, "fjordnet", 5)
    assert (reddit.recheck_seconds, reddit.rechecks_a_day) == (60, 2000)
    assert (x.recheck_seconds, x.rechecks_a_day) == (None, None)
    first, second = config.watches
    assert (first.mentions, first.keywords, first.exclude) == (True, ("bredbånd væk",), ("konkurrence",))
    assert (second.mentions, second.hashtags, second.subreddits) == (False, ("#fjordnet",), ("denmark",))
    assert [rule.name for rule in config.rules] == ["vrede"]
    assert (config.store.database, config.store.retention_days) == ("sqlite:////var/lib/genlyd/genlyd.db", 30)
    assert config.dashboard.secure_cookies, "https needs no second word"
    assert config.alerts.urls == (Secret("mailto://a:b@example.com"), Secret("json://localhost/hook"))


def test_an_empty_file_is_a_house_with_its_first_rules() -> None:
    assert read("") == Config(rules=DEFAULT_RULES)


@pytest.mark.parametrize(
    ("text", "line", "where", "what"),
    [
        ("brnad = 1", 1, "brnad", "did you mean 'brand'?"),
        ("zzz = 1", 1, "zzz", "known here: brand, language"),
        ("brand = 7", 1, "brand", "must be a text in quotes, not a number (7)"),
        ('\n\nlanguage = "fi"', 3, "language", "must be one of da, sv, nb, nn, en, not 'fi'"),
        ("store = 3", 1, "store", "write it as [store]"),
        ("[accounts]\nname = 'a'", 1, "accounts", "write each as [[accounts]]"),
        ("[[accounts]]\nname = 'a'\nplatform = 'myspace'", 3, "accounts[1].platform", "known: x, reddit"),
        ("[[accounts]]\nname = 'a'", 1, "accounts[1].platform", "is missing"),
        ("[store]\nretention_days = 0", 2, "store.retention_days", "must be from 1 to 36500, not 0"),
        ("[store]\nretention_days = 'x'", 2, "store.retention_days", "must be a number"),
        ("[store]\nretention_days = true", 2, "store.retention_days", "must be a number, not true or false"),
        ("[store]\n\n# why\ndatabase = 'mysql://h/d'", 4, "store.database", "must be sqlite:///FILE"),
        ("[store]\nredis = 'localhost'", 2, "store.redis", 'must be "embedded"'),
        ("[dashboard]\nport = 70000", 2, "dashboard.port", "must be from 0 to 65535"),
        ("[dashboard]\nport = nan", 2, "dashboard.port", "must be from 0 to 65535"),
        ("[dashboard]\nsecure_cookies = 'yes'", 2, "dashboard.secure_cookies", "must be true or false"),
        (
            "[sentiment]\nmodel = 'best'",
            2,
            "sentiment.model",
            'must be "shipped", "folder:build/open" or "hub:owner/name"',
        ),
        ("[sentiment]\nunsure_below = 2", 2, "sentiment.unsure_below", "must be from 0 to 1"),
        ("[safety]\nauthor_per_day = -1", 2, "safety.author_per_day", "must be from 0 to 1000, not -1"),
        ("[safety]\nquiet_hours = '22-7'", 2, "safety.quiet_hours", 'such as "22:00-07:00"'),
        ("[safety]\nquiet_hours = '22:00-22:00'", 2, "safety.quiet_hours", "two different times"),
        ("[safety]\nquiet_hours = '24:00-07:00'", 2, "safety.quiet_hours", "two different times"),
        ("[safety]\ntimezone = 'Copenhagen'", 2, "safety.timezone", "no time zone this machine knows"),
        ("[safety]\ntimezone = '../../etc/passwd'", 2, "safety.timezone", "no time zone this machine knows"),
        ("[alerts]\nurls = 'json://h'", 2, "alerts.urls", "must be a list of texts"),
        ("[alerts]\nurls = ['']", 2, "alerts.urls", "must be a list of texts"),
        ("[alerts]\nurls = ['env:NOPE']", 2, "alerts.urls[1]", "the environment variable 'NOPE' is not set"),
        ("[[rules]]\nreply = 'draft'", 1, "rules[1].name", "a rule needs a name"),
        ("[[rules]]\nname = 'a'\n[[rules]]\nname = 'b'\nvia = ['x']", 5, "rules[2].via", "'x' is unknown"),
        ("[[watches]]\naccount = 'a'", 2, "watches[1].account", "there is no account 'a'; accounts: none"),
    ],
)
def test_a_problem_names_its_line_its_place_and_its_cure(text: str, line: int, where: str, what: str) -> None:
    found = [problem for problem in problems(text) if problem[1] == where]
    assert [problem[0] for problem in found] == [line]
    assert what in found[0][2]


def test_quiet_hours_are_read_in_the_houses_own_zone_and_may_run_past_midnight() -> None:
    safety = read("[safety]\nquiet_hours = '22:00-07:00'\ntimezone = 'Europe/Copenhagen'").safety
    summer, winter = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    assert [safety.is_quiet(summer.replace(hour=hour)) for hour in (19, 20, 4, 5)] == [False, True, True, False]
    assert [safety.is_quiet(winter.replace(hour=hour)) for hour in (20, 21, 5, 6)] == [False, True, True, False]
    noon = read("[safety]\nquiet_hours = '12:00-13:00'").safety
    assert [noon.is_quiet(summer.replace(hour=hour)) for hour in (11, 12, 13)] == [False, True, False]
    assert not read("").safety.is_quiet(summer)


def test_every_problem_is_listed_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        """\
        language = "klingon"
        [[accounts]]
        name = "a"
        platform = "myspace"
        [[accounts]]
        name = "b"
        platform = "reddit"
        handle = ""
        client_id = "env:NOPE"
        client_secret = 3
        password = "p"
        user_agent = "u"
        basse_url = "http://x"
        base_url = "localhost"
        [[accounts]]
        name = "b"
        platform = "myspace"
        [[watches]]
        account = "bb"
        mentions = false
        [[watches]]
        account = "a"
        hashtags = ["to ord"]
        [[rules]]
        name = "r"
        accounts = ["x"]
        [sentiment]
        threads = 0
        """
    )
    assert [(line, where) for line, where, _ in found] == [
        (1, "language"),
        (4, "accounts[1].platform"),
        (5, "accounts[2].username"),
        (8, "accounts[2].handle"),
        (9, "accounts[2].client_id"),
        (10, "accounts[2].client_secret"),
        (13, "accounts[2].basse_url"),
        (14, "accounts[2].base_url"),
        (16, "accounts[3].name"),
        (17, "accounts[3].platform"),
        (18, "watches[1]"),
        (19, "watches[1].account"),
        (23, "watches[2].hashtags"),
        (26, "rules[1].accounts"),
        (28, "sentiment.threads"),
    ]


def test_an_account_with_another_problem_is_still_known_by_its_name() -> None:
    text = "[[accounts]]\nname = 'a'\nplatform = 'myspace'\n[[watches]]\naccount = 'a'"
    assert [where for _, where, _ in problems(text)] == ["accounts[1].platform"]


def _x(name: str, **credentials: str) -> str:
    keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "bearer_token")
    given = {"handle": name, **{key: f"{key} of {name}" for key in keys}, **credentials}
    return f"[[accounts]]\nname = '{name}'\nplatform = 'x'\n" + "".join(f"{k} = '{v}'\n" for k, v in given.items())


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("bearer_token", "bearer_token of main", "is also that of 'main', and X gives an app one stream"),
        ("access_token", "access_token of main", "is also that of 'main', so both would speak as one"),
        ("handle", "@Main", "'main' has this handle too"),
    ],
)
def test_two_accounts_of_a_platform_each_sign_in_as_themselves(key: str, value: str, what: str) -> None:
    text = _x("main") + _x("second", **{key: value})
    ((line, where, said),) = problems(text)
    spelled = [n for n, given in enumerate(text.splitlines(), start=1) if given.startswith(f"{key} =")]
    assert (line, where) == (spelled[1], f"accounts[2].{key}")
    assert what in said


def test_a_handle_is_one_word() -> None:
    assert problems(_x("main", handle="tele\tkompagniet"))[0][1:] == (
        "accounts[1].handle", "is one word, not 'tele\\tkompagniet'",
    )  # fmt: skip


def test_a_forgotten_quote_says_so() -> None:
    ((_line, _where, what),) = problems("language = da")
    assert what == 'this is not TOML: Invalid value; a text stands in quotes: "da"'


def test_subreddits_belong_to_reddit() -> None:
    text = WHOLE.replace('exclude = ["konkurrence"]', 'subreddits = ["denmark"]')
    ((line, where, what),) = problems(text, **ENVIRONMENT)
    assert (text.splitlines()[(line or 0) - 1], where) == ('subreddits = ["denmark"]', "watches[1].subreddits")
    assert "only a Reddit account" in what


_ON_REDDIT = WHOLE.partition("[[watches]]")[0] + '[[watches]]\naccount = "reddit-main"\n'


@pytest.mark.parametrize(
    ("watch", "key", "what"),
    [
        ("mentions = false", "", "listens for nothing: give it mentions, hashtags or keywords"),
        ('mentions = false\nsubreddits = ["a"]', "subreddits", "nothing in them is sought: add mentions"),
        ('mentions = false\nhashtags = ["x"]', "hashtags", "Reddit is not searched for hashtags: add subreddits"),
        ('keywords = ["x"]\nhashtags = ["x"]', "hashtags", "Reddit is not searched for hashtags: add subreddits"),
    ],
)
def test_a_watch_that_can_hear_nothing_is_refused_with_its_cure(watch: str, key: str, what: str) -> None:
    text = f"{_ON_REDDIT}{watch}\n"
    ((line, where, said),) = problems(text, **ENVIRONMENT)
    expected = [n for n, given in enumerate(text.splitlines(), start=1) if given.startswith(key or "[[watches]]")]
    assert (line, where) == (expected[-1], "watches[1]" + (f".{key}" if key else ""))
    assert what in said


def test_watches_of_a_reddit_account_are_matched_in_the_subreddits_of_each() -> None:
    words = f'{_ON_REDDIT}hashtags = ["x"]\n'
    place = '[[watches]]\naccount = "reddit-main"\nmentions = false\nsubreddits = ["a"]\n'
    assert [watch.hashtags for watch in read(words + place, **ENVIRONMENT).watches] == [("x",), ()]


@pytest.mark.parametrize(
    ("tag", "what"),
    [
        ("coca-cola", "it has more than letters, figures and _; put it in keywords"),
        ("#h&m", "it has more than letters, figures and _; put it in keywords"),
        ("to ord", "it has more than letters, figures and _; put it in keywords"),
        ("2026", "it has no letter; put it in keywords"),
    ],
)
def test_a_hashtag_that_no_platform_makes_is_refused_with_its_cure(tag: str, what: str) -> None:
    ((_, where, said),) = problems(WHOLE.replace('hashtags = ["#fjordnet"]', f'hashtags = ["{tag}"]'), **ENVIRONMENT)
    assert (where, said) == ("watches[1].hashtags", f"{tag!r} is not a hashtag: {what}")


def test_a_hashtag_may_have_figures_a_sign_and_any_letters_however_they_are_spelled() -> None:
    given = ["#blåbær", "a1", "##Ønsker_2026", "bla\u030aba\u0308r"]
    spelled = ", ".join(f'"{tag}"' for tag in given)
    watch = read(WHOLE.replace('hashtags = ["#fjordnet"]', f"hashtags = [{spelled}]"), **ENVIRONMENT).watches[0]
    assert watch.wanted_hashtags == {"blåbær", "a1", "ønsker_2026", "blåbär"}


def test_rules_of_the_sandbox_may_name_accounts_it_brings() -> None:
    assert read("[[rules]]\nname = 'a'\naccounts = ['sandbox-x']").rules[0].accounts == {"sandbox-x"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("brand = 'a'\nlanguage = \n", 2),
        ("brand = 'a'\n\n[store\n", 3),
        ("brand = 'a'\nbrand = 'b'\n", 2),
        ("brand = 'a'\n[store]\nkeywords = ['x',\n\n", 3),
        ("\ufeffbrand = 'a'", 1),
    ],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    ((found, where, what),) = problems(text)
    assert (found, where) == (line, "syntax")
    assert what.startswith("this is not TOML")


@pytest.mark.parametrize(
    "text",
    [
        "[[accounts]]\nname = 'a'\nplatform = 'x'\nbearer_token = 'hemmelig'\nconsumer_key = ['hemmelig']",
        "[store]\ndatabase = 'mysql://u:hemmelig@h/d'\nredis = 'http://:hemmelig@h'",
        "[store]\ndatabase = ['hemmelig']",
        "[alerts]\nurls = ['json://hemmelig', 3]",
    ],
)
def test_a_problem_never_prints_a_credential(text: str) -> None:
    assert "hemmelig" not in str(problems(text))


def test_a_credential_of_the_wrong_kind_is_not_shown() -> None:
    ((line, _, what),) = problems(WHOLE.replace('consumer_secret = "b"', "consumer_secret = 4711"), **ENVIRONMENT)
    assert (line, what) == (10, "must be a text in quotes, not a number")


def test_an_unset_and_an_empty_variable_are_both_missing() -> None:
    for environment in ({}, {"X_KEY": ""}):
        ((line, where, what),) = problems(WHOLE.replace("env:HOOK", "json://h"), **environment)
        assert (line, where) == (9, "accounts[1].consumer_key")
        assert what == "the environment variable 'X_KEY' is not set"


def test_the_environment_of_the_process_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLYD_TEST_HOOK", "json://localhost/hook")
    file = tmp_path / "genlyd.toml"
    file.write_text("[alerts]\nurls = ['env:GENLYD_TEST_HOOK']", encoding="utf-8")
    assert load(file).alerts.urls == (Secret("json://localhost/hook"),)


def test_a_file_that_is_not_there_says_what_to_copy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"copy genlyd\.example\.toml"):
        load(tmp_path / "genlyd.toml")


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "genlyd.toml"
    file.write_bytes("brand = 'a'\n# blåbær".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"line 2: .*save it as UTF-8"):
        load(file)


def test_the_example_beside_the_readme_can_be_read() -> None:
    file = ROOT / "genlyd.example.toml"
    if not file.exists():
        pytest.skip("there is no genlyd.example.toml yet")
    config = load(file, environment=_anything(file.read_text(encoding="utf-8")))
    assert config.accounts == () or set(config.accounts[0].credentials) == set(CREDENTIALS[config.accounts[0].platform])


def _anything(text: str) -> dict[str, str]:
    """A value for every env:NAME of a text."""
    return {part.split('"')[0].split("'")[0]: "json://x" for part in text.split("env:")[1:]}


def test_lines_are_counted_as_toml_counts_them() -> None:
    text = 'brand = "a\u2028b\x85c"\n# [store]\n["dash.board"]\n[ store ] # here\nredis = 1\nstore.x = 2'
    lines = lines_of(text)
    assert lines["store",] == 4
    assert lines["store", "redis"] == 5
    assert line_of(lines, ("store", "redis", 3)) == 5
    assert line_of(lines, ("nothing",)) is None


@given(before=st.integers(0, 20), blank=st.sampled_from(["", "# comment", "   ", "\t# [[accounts]]"]))
def test_a_problem_moves_with_what_stands_before_it(before: int, blank: str) -> None:
    text = "\n".join([blank] * before + ["[[rules]]", "name = 'a'", "reply = 'x'"])
    assert [line for line, _, _ in problems(text)] == [before + 3]


@given(st.text(max_size=60))
def test_no_text_stops_the_reader_in_another_way_than_by_its_problems(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(read(text), Config)


def test_the_breaker_is_read_and_every_fault_in_it_named() -> None:
    good = '[breaker]\nis_on = false\nleast_posts = 12\nremind_after_minutes = [5]\nstatement_da = "Vi ser på det."\n'
    breaker = parse(good, file="x", environment={}).breaker
    assert (breaker.is_on, breaker.least_posts, breaker.remind_after_minutes) == (False, 12, (5,))
    assert breaker.statements == {Language.DA: "Vi ser på det."}
    assert parse("[breaker]\nremind_after_minutes = []", file="x", environment={}).breaker.remind_after_minutes == ()
    bad = "[breaker]\nleast_posts = 1\nremind_after_minutes = [30, 10]\nusual_per_hours = 3\n"
    with pytest.raises(ConfigError) as caught:
        parse(bad, file="x", environment={})
    assert [(problem.line, problem.where) for problem in caught.value.problems] == [
        (2, "breaker.least_posts"),
        (3, "breaker.remind_after_minutes"),
        (4, "breaker.usual_per_hours"),
    ]
    assert "must be from 4 to 1000" in str(caught.value)
    assert "did you mean 'usual_per_hour'?" in str(caught.value)


@pytest.mark.parametrize("key", ["database", "redis"])
def test_where_we_remember_may_come_from_the_environment_and_never_shows(key: str) -> None:
    text = f'[store]\n{key} = "env:WHERE"\n'
    with pytest.raises(ConfigError, match="environment variable 'WHERE' is not set") as caught:
        parse(text, file="f", environment={})
    assert len(caught.value.problems) == 1
    url = {"database": "postgresql://kari:hemmelig@h/d", "redis": "redis://:hemmelig@h/0"}[key]
    assert getattr(parse(text, file="f", environment={"WHERE": url}).store, key) == url
    with pytest.raises(ConfigError) as caught:
        parse(text, file="f", environment={"WHERE": "mysql://kari:hemmelig@h/d"})
    assert "hemmelig" not in str(caught.value)
