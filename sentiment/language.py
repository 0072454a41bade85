"""Which of our languages a post is written in: da, sv, nb, nn, en, or unsure.

Owns the reading of language, and one promise above accuracy: Norwegian is never called Danish on thin evidence. The
two share most short words, so Danish is said only with a margin; in doubt the answer is UNSURE, which costs an
automatic reply, where a wrong guess costs a brand its face. Refuses to own what a post means, and to load anything
at import: the models are read when a LanguageReader is made.
"""

import math
import re
from collections.abc import Mapping

import lingua
from lingua import LanguageDetectorBuilder

from core.assessment import Language
from sentiment.text import whole

_OURS = {
    lingua.Language.DANISH: Language.DA,
    lingua.Language.SWEDISH: Language.SV,
    lingua.Language.BOKMAL: Language.NB,
    lingua.Language.NYNORSK: Language.NN,
    lingua.Language.ENGLISH: Language.EN,
}
# What Nordic brands hear beside the five. Only "none of ours" is asked of these, so the small trigram models do.
_OTHERS = (
    lingua.Language.GERMAN,
    lingua.Language.DUTCH,
    lingua.Language.SPANISH,
    lingua.Language.FRENCH,
    lingua.Language.FINNISH,
    lingua.Language.POLISH,
    lingua.Language.ITALIAN,
    lingua.Language.PORTUGUESE,
)
_HINTS = {
    "da": (Language.DA,),
    "sv": (Language.SV,),
    "nb": (Language.NB,),
    "nn": (Language.NN,),
    "no": (Language.NB, Language.NN),
    "en": (Language.EN,),
}

_NORWEGIAN = frozenset({Language.NB, Language.NN})

# Weights are nats, beside lingua's log-probabilities. Chosen on the train files, 2026-11.
_WORD_WEIGHT = 3.0
_SHAPE_WEIGHT = 1.2
_HINT_WEIGHT = 2.0
_FLOOR = 1e-4
_WITNESS_WEIGHT = 1.5
_WITNESS_FLOOR = 1e-3
_MARGIN = 0.8
_DANISH_MARGIN = 2.0
_DANISH_MARGIN_HINTED = 0.3
_FOREIGN_SHARE = 0.6
_KNOWN_ONE_IN = 3
_MIN_LETTERS = 4

_NOISE = re.compile(
    r"(?:https?://|www\.)\S+|\bt\.co/\S+|\bhttps?\b|\[(?:email|phone)\]|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+"
    r"|(?<![\w@])@\w[\w.-]*(?:@[\w.-]+)?|(?<!\w)/?u/[\w-]{3,20}|#"
)
_MOST_CHARACTERS = 2_000
_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN_LETTER = re.compile(r"[ßþðñłşğžčřęąțőűõ¿¡]", re.IGNORECASE)
_STRETCHED = re.compile(r"(\w)\1{2,}")

# Words only some of the five have. A word stands in the rows of all the languages that write it so.
_MARKERS: tuple[tuple[str, str], ...] = (
    (
        "da",
        """
        af noget hvad ud bliver blive blevet lige lidt børn vores os gør gøre havde været uden nogen nogle
        måske andet tage siger sige sagde penge tager gerne måde sidste giver fik fået næste håber hende
        bruge bruger brugt længe længere alligevel gået betyder jer jeres væk tænker laver lavet taget
        desværre næsten hjælpe hjælp hjælper selvom vej overhovedet kender gik sidder rigtig rigtigt ik ikk
        sgu sku fejl hvornår uge uger ugen stadig endnu meget venlig tak købt købe opsiger selskab ringet
        ringede svært færdig træls lort møg op fandme kæft nåh jamen måned måneder virkelig ventetid fandeme
        intet håbløst gange dækning håbløs
        """,
    ),
    (
        "nb nn",
        """
        å noe etter enn opp igjen aldri kanskje gir hadde fått hei nei takk veldig hjelp hjelper nesten
        neste siste akkurat trenger fremdeles vanskelig riktig mann vei gjennom grunn uansett dessverre
        gjerne søppel lenge slik ennå feil strømmen regninga kjøpt kjøpe kjøpte skikkelig håpløst
        """,
    ),
    (
        "nb",
        """
        hva seg deg meg ble mye noen gjør gjøre litt uten vært uke uker uken vet dere faen penger dager nå
        hvilken
        """,
    ),
    (
        "nn",
        """
        eg ikkje kva kvifor korleis kven kvar dykk dykkar frå meir ein eit nokon noko mykje berre vere vart
        vore ho gjer gjere veke vekene vert eigentleg nokre kjem gonger gong håplaust svarar heilt straumen
        takkar vekke trur seier sjølv saman høyrt venta seg deg meg no
        """,
    ),
    (
        "sv",
        """
        och inte jag är att för när också från mycket något någon några varför vad dig hade utan än pengar
        vecka veckor dagar hjälp hjälper köpt köpa köpte dålig dåligt väldigt vill måste varit gått går gick
        fick riktigt jävla beställt beställde kundtjänst säger tack ska upp funkar fungerar ni svarar jobbat
        snälla paket paketet hur
        """,
    ),
    ("da sv", "mig dig sig efter nu nej aldrig hej sådan"),
    (
        "da nb",
        """
        jeg ikke hvorfor hvordan være hun mangler virker ingen hører pakke regning levere ødelagt hvis hvem
        bare kommer fra siden paa saa maa faar naar ogsaa gaar
        """,
    ),
    ("da nb nn", "og"),
    ("nb nn sv", "av ut oss bra inn blir mitt ditt bli alltid"),
    ("da nb nn sv", "på det er som jo og en til"),
    (
        "en",
        """
        the and you your my is are was it this that what why when how has had not yes with of to thanks
        thank please help still just been they them our waiting nobody never again would great worst hi
        hello
        """,
    ),
    ("en da", "have"),
)
# Spellings that part Danish from Norwegian where no marker word stands: vej/vei, højt/høyt, -hed/-het, -tion/-sjon.
_SHAPES = (
    ("da", re.compile(r"hed(?:en|er)?$|tion(?:en|er)?$|(?<!aller)(?<!st)ede$|[^djhmo]erne$|ej|øj|^ud...|^opl|^opr")),
    ("nb nn", re.compile(r"sjon|het(?:en|er)?$|ei|øy|^kj|^opp|..(?:kk|ll|mm|nn|ss|tt)$|^hv?ilke[nt]$")),
)


def _table(rows: tuple[tuple[str, str], ...]) -> dict[str, frozenset[Language]]:
    """Return each marker word with the languages it speaks for."""
    table: dict[str, frozenset[Language]] = {}
    for codes, words in rows:
        for word in words.split():
            table[word] = table.get(word, frozenset()) | {Language(code) for code in codes.split()}
    return table


class LanguageReader:
    """Reads the language of one post. Make one and keep it; safe to share between threads."""

    def __init__(self) -> None:
        self._ours = LanguageDetectorBuilder.from_languages(*_OURS).with_preloaded_language_models().build()
        self._wide = (
            LanguageDetectorBuilder.from_languages(*_OURS, *_OTHERS)
            .with_low_accuracy_mode()
            .with_preloaded_language_models()
            .build()
        )
        self._markers = _table(_MARKERS)

    def read(self, text: str, hint: str | None = None, witness: Mapping[Language, float] | None = None) -> Language:
        """Return the language of `text`.

        `hint` is what the platform or the author's settings say ("da", "sv-SE", "no"); it tips the scale where the
        text leaves a doubt, and never turns Norwegian into Danish. `witness` is how likely each language looks to
        the model, which has read more short posts than lingua and no other languages.
        """
        bare = _clean(whole(text[:_MOST_CHARACTERS]))
        words = [word.casefold() for word in _WORD.findall(bare)]
        votes = self._votes(words)
        if sum(map(len, words)) < _MIN_LETTERS and not votes:
            return Language.UNSURE
        known = max(votes.values(), default=0) * _KNOWN_ONE_IN
        if known < len(words) and self._is_foreign(bare):
            return Language.UNSURE
        scores = self._scores(bare, words, votes)
        if witness is not None:
            # The model's Norwegian sets do not say which Norwegian, so it is asked for Norwegian only.
            norwegian = sum(witness.get(language, 0.0) for language in _NORWEGIAN)
            for language in scores:
                seen = norwegian if language in _NORWEGIAN else witness.get(language, 0.0)
                scores[language] += _WITNESS_WEIGHT * math.log(max(_WITNESS_FLOOR, seen))
        return _choose(scores, _HINTS.get((hint or "").lower()[:2], ()))

    def _votes(self, words: list[str]) -> dict[Language, int]:
        votes: dict[Language, int] = {}
        for word in words:
            for language in self._markers.get(word, ()):
                votes[language] = votes.get(language, 0) + 1
        return votes

    def _is_foreign(self, bare: str) -> bool:
        if _FOREIGN_LETTER.search(bare):
            return True
        shares = {value.language: value.value for value in self._wide.compute_language_confidence_values(bare)}
        return sum(share for language, share in shares.items() if language not in _OURS) > _FOREIGN_SHARE

    def _scores(self, bare: str, words: list[str], votes: Mapping[Language, int]) -> dict[Language, float]:
        """Return one log-score a language: the letters, the marker words, the spellings."""
        shares = {_OURS[value.language]: value.value for value in self._ours.compute_language_confidence_values(bare)}
        scores = {language: math.log(max(_FLOOR, share)) for language, share in shares.items()}
        for language, count in votes.items():
            scores[language] += _WORD_WEIGHT * count
        for codes, shape in _SHAPES:
            count = sum(1 for word in words if shape.search(word))
            for code in codes.split():
                scores[Language(code)] += _SHAPE_WEIGHT * count
        return scores


def _clean(text: str) -> str:
    """Return the text without what says nothing of its language: handles, links, stretched letters, the # of tags."""
    return " ".join(_STRETCHED.sub(r"\1", _NOISE.sub(" ", text)).split())


def _choose(scores: Mapping[Language, float], hinted: tuple[Language, ...]) -> Language:
    """Return the best language, or UNSURE where the next is too near. Danish must beat Norwegian clearly.

    A hint lowers Danish's margin over Norwegian but never carries it: platforms mistake the two themselves.
    """
    with_hint = {language: score + _HINT_WEIGHT * (language in hinted) for language, score in scores.items()}
    best = max(with_hint, key=with_hint.__getitem__)
    rivals = [score for language, score in with_hint.items() if language != best and {language, best} != _NORWEGIAN]
    if with_hint[best] - max(rivals) < _MARGIN:
        return Language.UNSURE
    margin = _DANISH_MARGIN_HINTED if Language.DA in hinted else _DANISH_MARGIN
    if best is Language.DA and scores[best] - max(scores[language] for language in _NORWEGIAN) < margin:
        return Language.UNSURE
    return best
