"""An acknowledgement's text: the author's language, their matter, never the same twice running.

Owns the templates and the choice among them. Refuses to promise: a template says only that we have
seen it.
"""

from dataclasses import dataclass
from pathlib import Path

from core.assessment import Assessment, Intent, Language, Sentiment
from core.decision import Draft, Facts
from core.errors import ConfigError, Problem
from core.post import Platform
from platforms import policy

FOLDER = Path(__file__).parent / "templates"
GENERAL = "general"

# What a post is about, gravest first: the first of these it has names the template.
_BY_INTENT = (
    Intent.SAFETY,
    Intent.OUTAGE,
    Intent.BILLING,
    Intent.DELIVERY,
    Intent.CANCELLATION,
    Intent.COMPLAINT,
    Intent.QUESTION,
    Intent.PRAISE,
)
_BY_SENTIMENT = {Sentiment.NEGATIVE: "complaint", Sentiment.POSITIVE: "praise"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Variants by (language, matter). Norwegian nynorsk is answered in bokmål."""

    variants: dict[tuple[Language, str], tuple[str, ...]]
    brand: str
    house_language: Language
    signatures: dict[str, str]

    def fill(self, facts: Facts) -> Draft:
        """Return a text for this author: a variant other than the last one they got, signed."""
        mention = facts.heard.mention
        language = self._language(facts.assessment.language)
        matter = self._matter(facts.assessment, language)
        variants = self.variants[language, matter]
        signature = self.signatures.get(mention.account, "")
        handle = mention.post.author.handle
        held = self._held(facts, language, signature)
        if held is not None:
            return held
        for turn in range(len(variants)):
            number = (facts.heard.id + turn) % len(variants)
            body = variants[number].replace("{brand}", self.brand)
            text = _dress(body, mention.post.platform, handle=handle, signature=signature)
            if not _same_words(body, facts.last_text):
                break
        return Draft(text=text, template=f"{language}/{matter}/{number + 1}")

    def _held(self, facts: Facts, language: Language, signature: str) -> Draft | None:
        """The holding statement that a person approved for a storm, where one stands for this language."""
        incident = facts.incident
        if incident is None or incident.approved_at is None or not incident.statements.get(language):
            return None
        post = facts.heard.mention.post
        text = _dress(incident.statements[language], post.platform, handle=post.author.handle, signature=signature)
        return Draft(text=text, template=f"{language}/holding statement")

    def _language(self, language: Language) -> Language:
        if language is Language.NN:
            return Language.NB
        return self.house_language if language is Language.UNSURE else language

    def _matter(self, assessment: Assessment, language: Language) -> str:
        for intent in _BY_INTENT:
            if intent in assessment.intents and (language, intent.value) in self.variants:
                # Thanks for the praise would mock whoever is angry.
                if intent is Intent.PRAISE and assessment.sentiment is Sentiment.NEGATIVE:
                    continue
                return intent.value
        matter = _BY_SENTIMENT.get(assessment.sentiment, GENERAL)
        return matter if (language, matter) in self.variants else GENERAL


def load(*, brand: str, house_language: Language, signatures: dict[str, str], folder: Path = FOLDER) -> Templates:
    """Read every template. Raises: ConfigError, naming the file, where one is missing or empty."""
    variants: dict[tuple[Language, str], tuple[str, ...]] = {}
    problems: list[Problem] = []
    for language in (Language.DA, Language.SV, Language.NB, Language.EN):
        for file in sorted((folder / language).glob("*.txt")):
            found = tuple(part.strip() for part in file.read_text(encoding="utf-8").split("\n---\n") if part.strip())
            variants[language, file.stem] = found
            if len(found) < 2:
                problems.append(Problem(line=None, where=str(file), what="needs at least two variants, parted by ---"))
        if (language, GENERAL) not in variants:
            problems.append(Problem(line=None, where=str(folder / language), what=f"has no {GENERAL}.txt"))
    if problems:
        raise ConfigError(problems)
    # Nynorsk is answered in bokmål.
    house = Language.NB if house_language is Language.NN else house_language
    house = house if house in {key[0] for key in variants} else Language.EN
    return Templates(variants=variants, brand=brand, house_language=house, signatures=signatures)


def _dress(body: str, platform: Platform, *, handle: str, signature: str) -> str:
    """Address the author where that is the custom, and sign. Cut the body if the platform must have it so."""
    # On X the name makes each reply its own: identical texts are refused as duplicates.
    front = f"@{handle} " if platform is Platform.X else ""
    end = f" {signature}" if signature else ""
    most = policy.MAX_LENGTH[platform]
    text = f"{front}{body}{end}"
    while policy.length_of(platform, text) > most and body:
        body = body[:-10].rstrip(" .,") + "…" if len(body) > 10 else ""
        text = f"{front}{body}{end}"
    return text


def _same_words(body: str, last_text: str | None) -> bool:
    return last_text is not None and body in last_text
