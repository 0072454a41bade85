"""The urgency: bounded, explained, ranked as a person would rank, in five languages."""

import itertools
import re
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.assessment import Intent, Language, Probabilities, Reason
from core.errors import ConfigError
from sentiment import cues
from sentiment.urgency import APART, Judgement, UrgencyReader, reach

READER = UrgencyReader()
EVEN = Probabilities(negative=0.34, neutral=0.33, positive=0.33)

# Four levels a language, calm to urgent: chatter and praise; questions; grumbles; anger and money; harm and law.
POSTS: dict[Language, tuple[tuple[str, ...], ...]] = {
    Language.DA: (
        ("Tusind tak for hjælpen i går, I er skønne ❤️", "Så er der kaffe på kontoret", "Elsker den nye app 😍"),
        ("Hvornår åbner butikken i Aarhus?", "Kan man betale med MobilePay hos jer?", "Har I den i blå?"),
        (
            "Lidt skuffet over servicen denne gang",
            "Pakken er forsinket, øv",
            "Sidder i kø på telefonen",
            "Jeg har ventet i tre uger på svar fra jer",
            "Maden var kold og dårlig",
        ),
        (
            "I har trukket pengene to gange, og ingen svarer mig",
            "Tredje gang jeg ringer, ingen hjælper!!!",
            "Jeg opsiger mit abonnement nu, det er fandme for dårligt",
            "Hvad FANDEN laver I, nettet er nede igen",
            "Elendig service, svindel, jeg vil have mine penge tilbage",
        ),
        (
            "Opladeren brød i brand, og der kom røg ud af den",
            "Hele byen er uden strøm, og min mor bruger iltapparat",
            "Nu går sagen til Forbrugerklagenævnet og min advokat",
            "Jeg kan se andre kunders oplysninger, I er blevet hacket",
            "Jeg orker ikke leve mere",
        ),
    ),
    Language.SV: (
        ("Tusen tack för hjälpen igår, ni är bäst ❤️", "Nu blir det fika på kontoret", "Älskar nya appen 😍"),
        ("När öppnar butiken i Malmö?", "Kan man betala med Swish hos er?", "Har ni den i blått?"),
        (
            "Lite besviken på servicen den här gången",
            "Paketet är försenat, suck",
            "Sitter i kö på telefonen",
            "Har väntat i tre veckor på svar från er",
            "Maten var kall och dålig",
        ),
        (
            "Ni har dragit pengar två gånger och ingen svarar mig",
            "Tredje gången jag ringer, ingen hjälper!!!",
            "Jag säger upp mitt abonnemang nu, det är för jävla dåligt",
            "Vad FAN håller ni på med, nätet ligger nere igen",
            "Urusel service, bedrägeri, jag vill ha pengarna tillbaka",
        ),
        (
            "Laddaren började brinna och det kom rök ur den",
            "Hela stan är utan ström och min mormor har syrgas",
            "Nu går jag till ARN och min advokat",
            "Jag ser andra kunders uppgifter, ni har blivit hackade",
            "Jag orkar inte leva längre",
        ),
    ),
    Language.NB: (
        ("Tusen takk for hjelpen i går, dere er flinke ❤️", "Da er det kaffe på kontoret", "Elsker den nye appen 😍"),
        ("Når åpner butikken i Bergen?", "Kan man betale med Vipps hos dere?", "Har dere den i blått?"),
        (
            "Litt skuffet over servicen denne gangen",
            "Pakken er forsinket, sukk",
            "Sitter i kø på telefonen",
            "Har ventet i tre uker på svar fra dere",
            "Maten var kald og dårlig",
        ),
        (
            "Dere har trukket penger to ganger, og ingen svarer meg",
            "Tredje gang jeg ringer, ingen hjelper!!!",
            "Jeg sier opp abonnementet nå, det er faen meg for dårlig",
            "Hva FAEN driver dere med, nettet er nede igjen",
            "Elendig service, svindel, jeg vil ha pengene tilbake",
        ),
        (
            "Laderen tok fyr, og det kom røyk ut av den",
            "Hele byen er uten strøm, og bestemor bruker oksygen",
            "Nå går saken til Forbrukertilsynet og advokaten min",
            "Jeg ser andre kunders opplysninger, dere er hacket",
            "Jeg orker ikke leve mer",
        ),
    ),
    Language.NN: (
        ("Tusen takk for hjelpa i går, de er flinke ❤️", "Då er det kaffi på kontoret", "Elskar den nye appen 😍"),
        ("Når opnar butikken i Førde?", "Kan ein betale med Vipps hos dykk?", "Har de den i blått?"),
        (
            "Litt skuffa over servicen denne gongen",
            "Pakken er forseinka, sukk",
            "Sit i kø på telefonen",
            "Eg har venta i tre veker på svar frå dykk",
            "Maten var kald og dårleg",
        ),
        (
            "De har trekt pengar to gonger, og ingen svarar meg",
            "Tredje gong eg ringjer, ingen hjelper!!!",
            "Eg seier opp abonnementet no, det er faen meg for dårleg",
            "Kva FAEN driv de med, nettet er nede igjen",
            "Elendig service, svindel, eg vil ha pengane tilbake",
        ),
        (
            "Ladaren tok fyr, og det kom røyk frå han",
            "Heile byen er utan straum, og bestemor treng medisin",
            "No går saka til Forbrukartilsynet og advokaten min",
            "Eg ser andre kundar sine opplysningar, de er hacka",
            "Eg orkar ikkje leve meir",
        ),
    ),
    Language.EN: (
        ("Thank you so much for yesterday, great service ❤️", "Coffee time at the office", "Loving the new app 😍"),
        ("What time does the Oslo store open?", "Can you pay with Klarna?", "Do you have it in blue?"),
        (
            "A bit disappointed with the service this time",
            "The parcel is delayed, sigh",
            "On hold on the phone",
            "Been waiting three weeks for a reply",
            "The food was cold and bad",
        ),
        (
            "You charged me twice and nobody answers",
            "Third time calling, nobody helps!!!",
            "I am cancelling my subscription, this is fucking awful",
            "What the FUCK, the network is down again",
            "Terrible service, scam, I want my money back",
        ),
        (
            "The charger caught fire and there was smoke coming out",
            "The whole city is without power and my grandmother needs oxygen",
            "My lawyer and the ombudsman will hear of this",
            "I can see other customers' order details, you were hacked",
            "I don't want to live any more",
        ),
    ),
}
CASES = [(language, post) for language, levels in POSTS.items() for level in levels for post in level]

OPT_OUTS = (
    "@brand stop",
    "STOP!!!",
    "@brand Stop med at skrive til mig.",
    "lad mig være",
    "sluta",
    "@brand Låt mig vara, tack",
    "slutt",
    "Slutt å skrive til meg!",
    "la meg være i fred",
    "ikkje skriv til meg",
    "Unsubscribe",
    "please leave me alone",
    "@brand do not contact me again",
    "@brand lad mig være!",
    "sluta skriva",
    "@brand frameld mig, tak",
    "slutt å mase",
    "slutt med automatiske svar",
    "no automated replies please",
    "Nu må I stoppe. Kontakt mig ikke igen, jeg er færdig med jer.",
    "Tredje gången nu: sluta skriva till mig, ni hjälper ju ändå inte",
    "Dette er tullete, slutt å skrive til meg og svar på telefonen i stedet",
    "Eg har sagt det før, slutt å kontakte meg",
    "I have told you twice. Please stop messaging me, I get it.",
)
NOT_OPT_OUTS = (
    "stop nu den dårlige service",
    "@brand stop med at sende min pakke til den forkerte adresse",
    "Hvornår kommer bus 5C til næste stop?",
    "sluta höja priserna",
    "När är det slut på rean?",
    "slutt på tålmodigheten min",
    "stop charging me twice",
    "Can't stop smiling, thanks",
    "leave me alone in a room with this cake",
    "The bus did not stop",
    "unsubscribe does not work in your newsletter",
    "stop the bus",
    "Can you stop the bus at Kongens Nytorv?",
    "why did you stop replying to me?",
    "hvorfor stoppede I med at svare mig",
    "varför slutade ni svara mig",
    "hvorfor sluttet dere å svare meg",
    "when is the last stop tonight",
    "please stop the price increases",
    "is this a bot?",
)
WANT_A_PERSON = (
    "@brand is this a bot?",
    "am I talking to a machine here",
    "Er det her en robot, der svarer?",
    "Jeg vil gerne snakke med et menneske",
    "Är det här en bot?",
    "kan jag få prata med en riktig människa",
    "er dette en bot eller et ekte menneske",
    "Er dette ein robot? Eg vil snakke med eit menneske",
)
WANT_NONE = (
    "is this a bottle",
    "er det her en botanisk have",
    "my robot vacuum broke",
    "robotstøvsugeren er gået i stå",
)
GRIEF = (
    "My mother passed away last week and you still send her bills",
    "you defended the man who killed my sister",
    "min far er lige død, og I sender stadig breve til ham",
    "Hvordan lukker jeg et abonnement for en afdød?",
    "min mamma dog förra veckan",
    "faren min døde på mandag, hvordan sier jeg opp?",
    "mora mi døydde i helga",
)
NO_GRIEF = (
    "my phone died again",
    "the server died in the middle of checkout",
    "batteriet er dødt",
    "jeg dør af grin over jeres reklame",
    "batteriet dog efter en timme",
    "telefonen min døde på bussen",
    "I lost my bag",
    "død kedelig app",
)
ACCIDENTS = (
    "der er sket en ulykke ved jeres byggeplads",
    "det är en olycka på er parkering",
    "det har vært ei ulykke i butikken deres",
    "det er ei ulukke på ferja",
    "one of your vans was in an accident on the E20",
)
NO_ACCIDENTS = (
    "I ordered two by accident",
    "jeg er ulykkelig over servicen",
    "accidentally paid twice",
    "beställde av misstag",
)


def judge(
    text: str,
    language: Language = Language.UNSURE,
    probabilities: Probabilities = EVEN,
) -> Judgement:
    return READER.judge(text, language=language, probabilities=probabilities)


def without(text: str, reason: Reason) -> str:
    for words in reason.words.split(APART):
        text = re.sub(rf"(?:(?<!\w)|(?=\W)){re.escape(words)}(?:(?!\w)|(?<=\W))", " ", text)
    return text


def total(judgement: Judgement) -> int:
    return sum(reason.points for reason in judgement.reasons)


def test_the_brief_of_the_house_is_met() -> None:
    text = "@brand tredje gang jeg ringer, ingen hjælper!!!"
    assert judge(text, Language.DA, Probabilities(negative=0.6, neutral=0.3, positive=0.1)).urgency >= 60
    assert judge(text, Language.DA, Probabilities(negative=0.2, neutral=0.5, positive=0.3)).urgency >= 50


@pytest.mark.parametrize("language", POSTS)
@pytest.mark.parametrize("read_as_unsure", [False, True])
def test_posts_are_ranked_as_a_person_would(language: Language, read_as_unsure: bool) -> None:
    read_as = Language.UNSURE if read_as_unsure else language
    scored = [
        (level, judge(post, read_as).urgency, post) for level, posts in enumerate(POSTS[language]) for post in posts
    ]
    pairs = [(low, high) for low, high in itertools.product(scored, scored) if low[0] < high[0]]
    wrong = [(low[1:], high[1:]) for low, high in pairs if low[1] >= high[1]]
    assert len(wrong) <= 0.1 * len(pairs), wrong


@pytest.mark.parametrize("language", POSTS)
def test_the_levels_keep_to_the_guide(language: Language) -> None:
    chatter, questions, grumbles, anger, harm = ([judge(post, language).urgency for post in x] for x in POSTS[language])
    assert all(urgency < 20 for urgency in chatter), chatter
    assert all(15 <= urgency <= 40 for urgency in questions), questions
    assert all(25 <= urgency <= 60 for urgency in grumbles), grumbles
    assert all(urgency >= 55 for urgency in anger), anger
    assert all(urgency >= 80 for urgency in harm), harm


@pytest.mark.parametrize(("language", "post"), CASES)
def test_taking_a_reasons_words_away_takes_points_away(language: Language, post: str) -> None:
    before = judge(post, language)
    for reason in before.reasons:
        if reason.words and reason.points > 0:
            assert total(judge(without(post, reason), language)) < total(before), reason


@pytest.mark.parametrize(("language", "post"), CASES)
def test_every_word_of_a_reason_stands_in_the_post(language: Language, post: str) -> None:
    for reason in judge(post, language).reasons:
        assert all(words in post for words in reason.words.split(APART))


@pytest.mark.parametrize(("language", "post"), CASES)
def test_capitals_and_stretched_letters_hide_no_cue(language: Language, post: str) -> None:
    plain = {reason.cue for reason in judge(post, language).reasons}
    assert plain <= {reason.cue for reason in judge(post.upper(), language).reasons}
    stretched = re.sub(r"([aeiouyæøåäö])", r"\1\1\1", post)
    assert plain <= {reason.cue for reason in judge(stretched, language).reasons}


@pytest.mark.parametrize(("language", "post"), CASES)
def test_a_keyboard_without_our_letters_hides_no_cue(language: Language, post: str) -> None:
    spelling = {"æ": "ae", "ø": "oe", "å": "aa", "ä": "ae", "ö": "oe"}
    respelled = re.sub("[æøåäö]", lambda found: spelling[found[0]], post)
    assert {reason.cue for reason in judge(post, language).reasons} <= {
        reason.cue for reason in judge(respelled, language).reasons
    }


@given(
    text=st.text(max_size=300),
    language=st.sampled_from(list(Language)),
    negative=st.floats(min_value=0, max_value=1),
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_judged_within_bounds(text: str, language: Language, negative: float) -> None:
    probabilities = Probabilities(negative=negative, neutral=1 - negative, positive=0)
    judgement = judge(text, language, probabilities)
    assert 0 <= judgement.urgency <= 100
    assert judgement.urgency == min(100, max(0, total(judgement)))


@given(first=st.sampled_from(CASES), second=st.sampled_from(CASES))
@settings(max_examples=150, deadline=None)
def test_saying_more_of_what_is_wrong_never_lowers_it(
    first: tuple[Language, str], second: tuple[Language, str]
) -> None:
    both = judge(f"{first[1]}. {second[1]}")
    alone = judge(first[1])
    kind = sum(reason.points for reason in both.reasons if reason.points < 0)
    assert total(both) >= total(alone) + kind


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_reasons_are_true_in_posts_made_of_several(data: st.DataObject) -> None:
    posts = data.draw(st.lists(st.sampled_from([post for _, post in CASES]), min_size=1, max_size=3, unique=True))
    text = ". ".join(posts)
    before = judge(text)
    for reason in before.reasons:
        if reason.words and reason.points > 0:
            assert total(judge(without(text, reason))) < total(before), reason


def test_more_negative_and_more_followers_weigh_more() -> None:
    moods = [judge("Hej", probabilities=Probabilities(negative=n, neutral=1 - n, positive=0)) for n in (0, 0.3, 0.9)]
    urgencies = [mood.urgency for mood in moods]
    reaches = [sum(reason.points for reason in reach(n)) for n in (None, 400, 5_000, 100_000, 10**9)]
    for points in (urgencies, reaches):
        assert points == sorted(points)
        assert points[0] < points[-1]


@pytest.mark.parametrize(
    "text",
    [
        "ingen problemer",
        "no problems at all",
        "jeg er ikke vred",
        "inga problem",
        "ikkje noko problem her",
        "not angry",
        "uden problemer",
        "> det er svindel og elendigt",
        "@brand @svindel",
        "https://example.org/svindel/down",
    ],
)
def test_what_is_denied_or_quoted_or_a_name_does_not_count(text: str) -> None:
    assert {reason.cue for reason in judge(text).reasons} == {"mood"}


def test_our_sandbox_handle_is_no_fire() -> None:
    assert Intent.SAFETY not in judge("@brand hvad koster den? #brand brand").intents


@pytest.mark.parametrize("text", OPT_OUTS)
def test_a_plain_stop_is_an_opt_out(text: str) -> None:
    assert Intent.OPT_OUT in judge(text).intents


SELF_HARM = (
    "Jeg orker ikke leve mere",
    "I don't want to live any more",
    "kan ikke overskue mere gæld. det er nok bedst for alle hvis jeg bare ikke er her længere. hav det godt",
    "Keep the money. By the time you read this I won't be around",
    "Ni behöver inte skicka fler brev, alla klarar sig bättre utan mig",
    "Takk for alt. Det er best for alle om jeg forsvinner",
    "Eg har ingenting å leve for når huset er selt",
)
NO_SELF_HARM = (
    "I could live without it",
    "Regeringen vil ikke leve op til sine løfter",
    "Ni vill inte leva upp till avtalet",
    "Dei vil ikkje leve opp til det dei lova",
    "We won't be around on Thursday, leave the parcel next door",
    "Butikken er her ikke længere",
)


@pytest.mark.parametrize("text", NOT_OPT_OUTS)
def test_a_stop_with_another_object_is_no_opt_out(text: str) -> None:
    assert Intent.OPT_OUT not in judge(text).intents


@pytest.mark.parametrize(
    ("intent", "said", "unsaid"),
    [
        (Intent.PERSON, WANT_A_PERSON, WANT_NONE),
        (Intent.GRIEF, GRIEF, NO_GRIEF),
        (Intent.SAFETY, ACCIDENTS, NO_ACCIDENTS),
        (Intent.SELF_HARM, SELF_HARM, NO_SELF_HARM),
        (
            Intent.LEGAL,
            ("reporter at the Herald, request for comment", "pressehenvendelse fra P1"),
            ("full press on it",),
        ),
    ],
)
def test_what_no_machine_may_answer_is_heard_and_its_everyday_likeness_is_not(
    intent: Intent, said: tuple[str, ...], unsaid: tuple[str, ...]
) -> None:
    assert [text for text in said if intent not in judge(text).intents] == []
    assert [text for text in unsaid if intent in judge(text).intents] == []


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Hvor er min pakke?", Intent.DELIVERY),
        ("Varför är fakturan så hög?", Intent.BILLING),
        ("Nettet er nede i hele byen", Intent.OUTAGE),
        ("I want to cancel my subscription", Intent.CANCELLATION),
        ("Eg vil snakke med advokaten min", Intent.LEGAL),
        ("Det lugter af gas i kælderen", Intent.SAFETY),
        ("Tusen takk for hjelpen ❤️", Intent.PRAISE),
        ("Tjen penge hjemmefra, klik her", Intent.SPAM),
        ("Det er jo ren svindel", Intent.SCAM),
        ("Hur gör jag för att byta?", Intent.QUESTION),
    ],
)
def test_intents_are_read(text: str, intent: Intent) -> None:
    assert intent in judge(text).intents


def test_thanks_before_a_complaint_is_no_praise() -> None:
    assert Intent.PRAISE not in judge("Tusind tak, men pakken er forsinket igen igen").intents


def test_a_broken_file_of_cues_tells_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "cues.toml"
    path.write_text('[anger]\npoints = "many"\nintents = ["rage"]\nda = ["~ vred", ""]\ncolour = 1\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        cues.load(path)
    told = str(caught.value)
    assert all(part in told for part in ("points", "intents", "'~ vred'", "colour", "sv must be a list", str(path)))


def test_a_missing_file_of_cues_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        UrgencyReader(tmp_path / "none.toml")


def test_every_plain_phrase_of_the_file_finds_itself() -> None:
    tables = tomllib.loads(cues.FILE.read_text(encoding="utf-8"))
    lost = [
        (cue.name, phrase)
        for cue, table in zip(cues.load(), tables.values(), strict=True)
        for language in cues.LANGUAGES
        for phrase in table[language.value]
        if not set("~#|*") & set(phrase) and not cue.find(cues.fold(phrase), language)
    ]
    assert not lost


@pytest.mark.parametrize("hostile", ["a", "_", "aä", "!?", "trukket ", "http", "x@", "en "])
def test_a_hostile_post_costs_no_more_than_its_length(hostile: str) -> None:
    started = time.process_time()
    judge(hostile * (40_000 // len(hostile)))
    assert time.process_time() - started < 2
