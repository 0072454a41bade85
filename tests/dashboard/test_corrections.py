"""What a person sets right is shown at once with their name, counts, and can be taken back by anyone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.assessment import Intent, Language, Sentiment
from core.clock import ManualClock
from core.correction import Change, Correction, Field, TaughtCue
from dashboard import words
from dashboard.present_corrections import correct_view, listed_view, standing_views, value_words
from store.corrections import Corrections, Listed, Standing, Touched
from store.taught import TaughtWords
from tests.dashboard.conftest import Browser, House
from tests.dashboard.seed import Said, assessment_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALIKE = bytes([7]) * 384
FORM = {
    "saw-mood": "negative",
    "mood": "negative",
    "saw-urgency": "84",
    "level": "danger",
    "saw-language": "da",
    "language": "da",
    "saw-intents": "complaint",
    "intents": "complaint",
}


async def post_of(house: House, conversation: int) -> int:
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    return thread.entries[-1].heard.id


async def set_right(browser: Browser, house: House, conversation: int, **changes: str) -> int:
    """Send the form under the newest post; returns the status of the page that follows."""
    await browser.get(f"/conversations/{conversation}")
    fields = {**FORM, **{name.replace("_", "-"): value for name, value in changes.items()}}
    response = await browser.post(
        f"/conversations/{conversation}/correct", post=await post_of(house, conversation), **fields
    )
    return response.status


async def mood_of(house: House, conversation: int) -> tuple[str, int, tuple[str, ...]]:
    thread = await house.seed.conversations.thread(conversation)
    assert thread is not None
    read = thread.entries[-1].assessment
    assert read is not None
    return read.sentiment.value, read.urgency, read.corrected


async def test_a_mood_is_set_right_and_says_by_whom_and_can_be_undone(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await lars.get(f"/conversations/{conversation}")
    assert "Not right?" in lars.page
    assert await set_right(lars, house, conversation, mood="positive", level="calm") == 200
    assert "Set right. It counts from now on." in lars.page
    assert "Mood: Positive" in lars.page
    assert "was Negative" in lars.page
    assert "Urgency: Low, calm (5)" in lars.page
    assert "Set by Lars just now" in lars.page
    assert await mood_of(house, conversation) == ("positive", 5, ("sentiment", "urgency"))
    (urgency, mood) = await Corrections(house.database).all()
    for made in (urgency, mood):
        back = f"/conversations/{conversation}"
        assert (await lars.post(f"/corrections/{made.correction.id}/undo", back=back)).status == 200
        assert "Undone." in lars.page
        assert "Why: urgency" in lars.page
    assert await mood_of(house, conversation) == ("negative", 84, ())


async def test_posts_that_say_nearly_the_same_follow_only_where_that_is_ticked(lars: Browser, house: House) -> None:
    alike = [await house.seed.say(Said(handle=f"kunde{n}", embedding=ALIKE)) for n in range(3)]
    assert await set_right(lars, house, alike[0], mood="positive") == 200
    assert (await mood_of(house, alike[1]))[0] == "negative"
    assert await set_right(lars, house, alike[1], level="calm", spreads="yes") == 200
    assert "Also on 2 posts that say nearly the same" in lars.page
    assert "Undo on 3 posts" in lars.page
    assert [(await mood_of(house, one))[1] for one in alike] == [5, 5, 5]
    await lars.get(f"/conversations/{alike[2]}")
    assert "Set on a post that says nearly the same" in lars.page
    assert f"/conversations/{alike[1]}#post-" in lars.page


async def test_spreading_is_offered_only_where_the_meaning_is_known(lars: Browser, house: House) -> None:
    plain, known = await house.seed.say(), await house.seed.say(Said(handle="kendt", embedding=ALIKE))
    await lars.get(f"/conversations/{plain}")
    assert "Also posts that say nearly the same" not in lars.page
    await lars.get(f"/conversations/{known}")
    assert "Also posts that say nearly the same" in lars.page


async def test_language_and_intents_are_set_right_too(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    assert await set_right(lars, house, conversation, language="sv", intents="billing") == 200
    assert "Language: Swedish" in lars.page
    assert "Intents: Billing" in lars.page
    assert "was Complaint" in lars.page


async def test_a_form_that_changes_nothing_says_so(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    assert await set_right(lars, house, conversation) == 200
    assert "Nothing was changed: first pick what is not right." in lars.page
    assert await mood_of(house, conversation) == ("negative", 84, ())


async def test_two_people_at_the_same_form_do_not_undo_each_other_unseen(
    lars: Browser, mette: Browser, house: House
) -> None:
    conversation = await house.seed.say()
    await mette.get(f"/conversations/{conversation}")
    assert await set_right(lars, house, conversation, mood="positive") == 200
    path, post = f"/conversations/{conversation}/correct", await post_of(house, conversation)
    # Mette changes another field: Lars's mood stays.
    assert (await mette.post(path, post=post, **{**FORM, "level": "calm"})).status == 200
    assert await mood_of(house, conversation) == ("positive", 5, ("sentiment", "urgency"))
    # From a page as old, a third opinion of the mood is a conflict and changes nothing.
    response = await mette.post(path, post=post, **{**FORM, "mood": "neutral"})
    assert response.status == 409
    assert "somebody set the mood of this post meanwhile" in mette.page
    assert (await mood_of(house, conversation))[0] == "positive"


async def test_what_somebody_undid_already_is_a_message(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await set_right(lars, house, conversation, mood="positive")
    (made,) = await Corrections(house.database).all()
    path = f"/corrections/{made.correction.id}/undo"
    await lars.get("/corrections")
    assert (await lars.post(path, back="/corrections")).status == 200
    await lars.get("/corrections")
    assert (await lars.post(path, back="/corrections")).status == 409
    assert "Lars has already undone it" in lars.page


@pytest.mark.parametrize(
    "changes",
    [
        {"mood": "furious"},
        {"mood": "unsure"},
        {"level": "110"},
        {"language": "fi"},
        {"intents": "refund"},
        {"saw_urgency": "many"},
        {"saw_urgency": "900", "level": "calm"},
        {"saw_intents": "refund"},
        {"saw_mood": ""},
    ],
)
async def test_a_value_that_cannot_be_is_refused_and_changes_nothing(
    lars: Browser, house: House, changes: dict[str, str]
) -> None:
    conversation = await house.seed.say()
    assert await set_right(lars, house, conversation, **changes) in (400, 409)
    assert await mood_of(house, conversation) == ("negative", 84, ())


async def test_a_post_of_another_conversation_or_not_read_yet_is_not_set_right(lars: Browser, house: House) -> None:
    first, second = await house.seed.say(), await house.seed.say(Said(handle="anden"))
    await lars.get(f"/conversations/{first}")
    elsewhere = await post_of(house, second)
    assert (await lars.post(f"/conversations/{first}/correct", post=elsewhere, **FORM)).status == 404
    unread = await house.seed.say(Said(handle="ny", is_read=False))
    await lars.get(f"/conversations/{unread}")
    assert "Not right?" not in lars.page
    fields = {**FORM, "mood": "positive"}
    await lars.get("/corrections")
    post = await post_of(house, unread)
    assert (await lars.post(f"/conversations/{unread}/correct", post=post, **fields)).status == 409
    assert "not been read yet" in lars.page


async def test_the_forms_need_a_sign_in_and_a_token(visitor: Browser, lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    post = await post_of(house, conversation)
    fields = {**FORM, "mood": "positive", "phrase": "kaput", "points": "30", "post": str(post)}
    paths = (f"/conversations/{conversation}/correct", "/corrections/1/undo", "/taught", "/taught/1/undo")
    for path in paths:
        await visitor.post(path, csrf="made-up", **fields)
        assert "Sign in" in visitor.page
        await lars.get("/corrections")
        assert (await lars.post(path, csrf="made-up", **fields)).status == 403
    await visitor.get("/corrections")
    assert "Sign in" in visitor.page
    assert await mood_of(house, conversation) == ("negative", 84, ())
    assert await TaughtWords(house.database).active() == ()


async def test_the_page_lists_what_was_set_right_with_its_posts(
    lars: Browser, house: House, clock: ManualClock
) -> None:
    await lars.get("/corrections")
    assert "Nothing set right yet" in lars.page
    alike = [await house.seed.say(Said(handle=f"kunde{n}", embedding=ALIKE)) for n in range(2)]
    await set_right(lars, house, alike[0], mood="positive", spreads="yes")
    await clock.advance(180)
    await lars.get("/corrections")
    assert 'href="/corrections" aria-current="page"' in lars.page
    assert "2 posts, and new ones that say nearly the same" in lars.page
    for conversation in alike:
        assert f'href="/conversations/{conversation}#post-{await post_of(house, conversation)}"' in lars.page
    assert "Lars · " in lars.page
    assert "3 min ago" in lars.page
    assert "No model is trained on it" in lars.page
    (made,) = await Corrections(house.database).all()
    await lars.post(f"/corrections/{made.correction.id}/undo", back="/corrections")
    assert "Undone by Lars just now" in lars.page
    assert "<s>Positive</s>" in lars.page


async def test_the_list_comes_in_pages(lars: Browser, house: House, clock: ManualClock) -> None:
    conversation = await house.seed.say()
    post, now = await post_of(house, conversation), 84
    for urgency in range(1, 28):
        change = Change(field=Field.URGENCY, was=now, now=urgency)
        await Corrections(house.database).make(post, [change], by="Lars", spreads=False, at=clock.now())
        now = urgency
    await lars.get("/corrections")
    assert "/corrections?page=2" in lars.page
    assert "Low, calm (2)" not in lars.page.replace("was Low, calm (2)", "")
    await lars.get("/corrections?page=2")
    assert "Urgency: Low, calm (1)" in lars.page
    for page in ("0", "-1", "x", "99999999", "²"):
        assert (await lars.get(f"/corrections?page={page}")).status == 200


async def test_a_word_is_taught_listed_and_undone(lars: Browser, mette: Browser, house: House) -> None:
    await lars.get("/corrections")
    assert "No words taught yet." in lars.page
    assert (await lars.post("/taught", phrase="  Kaput  igen ", points="−20")).status == 200
    assert "Taught. It counts from the next post on." in lars.page
    assert "Kaput igen" in lars.page
    assert await TaughtWords(house.database).active() == (TaughtCue(phrase="Kaput igen", points=-20),)
    await mette.get("/corrections")
    assert (await mette.post("/taught", phrase="kaput igen", points="10")).status == 409
    assert "Lars has already taught “Kaput igen” with -20" in mette.page
    assert 'value="kaput igen"' in mette.page
    (taught,) = await TaughtWords(house.database).all()
    assert (await mette.post(f"/taught/{taught.id}/undo")).status == 200
    assert "The word counts no more" in mette.page
    assert "Undone by Mette" in mette.page
    assert (await mette.post(f"/taught/{taught.id}/undo")).status == 409


@pytest.mark.parametrize(
    ("phrase", "points", "says"),
    [
        ("", "30", "phrase is empty"),
        ("!!!", "30", "Cannot read"),
        ("kaput", "61", "from -60 to 60"),
        ("kaput", "0", "from -60 to 60"),
        ("kaput", "mange", "from -60 to 60"),
        ("kaput", "9" * 400, "from -60 to 60"),
        ("a*", "30", "nearly every post"),
        ("x" * 4000, "30", "too long"),
    ],
)
async def test_a_word_that_cannot_be_taught_is_refused_beside_the_field(
    lars: Browser, house: House, phrase: str, points: str, says: str
) -> None:
    await lars.get("/corrections")
    assert (await lars.post("/taught", phrase=phrase, points=points)).status == 400
    assert says in lars.page
    assert 'role="alert"' in lars.page
    assert await TaughtWords(house.database).active() == ()


async def test_what_strangers_and_colleagues_write_is_escaped(lars: Browser, house: House) -> None:
    conversation = await house.seed.say(Said(text="<script>alert(1)</script> \"' & <b>", embedding=ALIKE))
    await set_right(lars, house, conversation, mood="positive", spreads="yes")
    await lars.get("/corrections")
    assert "<script>alert" not in lars.page
    assert "&lt;script&gt;alert(1)" in lars.page
    await lars.post("/taught", phrase='"><img src=x>', points="<b>")
    assert "<img" not in lars.page.replace('<img src="/static', "")
    assert "<b>" not in lars.page


async def test_undo_never_leads_off_the_site(lars: Browser, house: House) -> None:
    conversation = await house.seed.say()
    await set_right(lars, house, conversation, mood="positive")
    (made,) = await Corrections(house.database).all()
    await lars.get("/corrections")
    data = {"csrf": lars.csrf, "back": "//evil.example/conversations/"}
    path = f"{house.url}/corrections/{made.correction.id}/undo"
    async with lars.http.post(path, data=data, allow_redirects=False) as response:
        assert response.headers["Location"] == "/corrections?done=correction-undone"


@pytest.mark.parametrize(
    ("urgency", "level", "sets"),
    [(0, "calm", 5), (17, "calm", 5), (18, "ordinary", 30), (39, "ordinary", 30), (40, "angry", 60),
     (69, "angry", 60), (70, "danger", 90), (100, "danger", 90)],
)  # fmt: skip
def test_an_urgency_is_read_as_a_level_and_a_level_sets_a_number_of_its_own(
    urgency: int, level: str, sets: int
) -> None:
    assert (words.level_of(urgency).key, words.level_of(urgency).sets) == (level, sets)
    assert words.level_of(sets).key == level


def test_unsure_is_a_choice_only_where_the_model_is_unsure() -> None:
    read = assessment_of(Said())
    view = correct_view(read)
    assert view is not None
    assert [one.value for one in view.moods] == ["negative", "neutral", "positive"]
    unsure = correct_view(replace(read, sentiment=Sentiment.UNSURE))
    assert unsure is not None
    assert [one.value for one in unsure.moods if one.is_chosen] == ["unsure"]
    assert correct_view(None) is None


def test_values_read_as_words() -> None:
    assert value_words(Language.UNSURE) == "Another language"
    assert value_words(()) == "none"
    assert value_words((Intent.OPT_OUT, Intent.SAFETY)) == "Asked us to stop, Safety"
    assert value_words(34) == "Low, ordinary (34)"


def a_correction(**changes: object) -> Correction:
    made = Correction(id=1, post_id=1, person="Mette", field=Field.URGENCY, was=22, now=90, spreads=True, made_at=NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_how_far_a_correction_reaches_is_said_in_words() -> None:
    (alone,) = standing_views([Standing(correction=a_correction(), conversation_id=1, posts=1)], 1, NOW)
    assert (alone.reach, alone.undo) == ("Also for posts that say nearly the same; none so far.", "Undo")
    (one,) = standing_views([Standing(correction=a_correction(), conversation_id=1, posts=2)], 1, NOW)
    assert (one.reach, one.undo) == ("Also on 1 post that says nearly the same.", "Undo on 2 posts")
    (other,) = standing_views([Standing(correction=a_correction(), conversation_id=9, posts=2)], 5, NOW)
    assert (other.reach, other.source, other.was) == ("", "/conversations/9#post-1", "")


def test_a_long_list_of_posts_says_how_many_more() -> None:
    named = tuple(Touched(post_id=n, conversation_id=n) for n in range(20))
    listed = Listed(correction=a_correction(), conversation_id=1, text="ord " * 100, posts=1_234, named=named)
    view = listed_view(listed, NOW + timedelta(minutes=5))
    assert (view.posts, len(view.links), view.more) == ("1,234 posts", 20, "and 1,214 more")
    assert len(view.text) <= 140
    assert view.text.endswith("…")


@pytest.mark.parametrize("path", ["/corrections/{id}/undo", "/taught/{id}/undo", "/rules/return", "/watches/return"])
async def test_a_number_that_postgresql_would_not_take_is_refused_as_a_form_and_no_failure_of_the_database(
    mette: Browser, path: str
) -> None:
    await mette.get("/corrections")
    response = await mette.post(path.format(id=10**12), to=10**12, follows=0)
    assert response.status == 400
    assert "A number in the form was missing or no number." in mette.page
