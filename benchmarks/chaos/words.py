"""What the public of a chaos run says: sentences of our own in four languages, put together by chance.

Owns the words of each kind of post. Refuses to know when and where they are written: `plan` does.
"""

import random

Sentences = dict[str, tuple[str, ...]]

LANGUAGES = ("da", "sv", "nb", "en")

_THINGS = {
    "da": ("min pakke", "min regning", "mit abonnement", "appen", "jeres hjemmeside", "min router", "min ordre"),
    "sv": ("mitt paket", "min faktura", "mitt abonnemang", "appen", "er hemsida", "min router", "min beställning"),
    "nb": ("pakken min", "regningen min", "abonnementet mitt", "appen", "nettsiden deres", "ruteren min", "ordren min"),
    "en": ("my parcel", "my bill", "my subscription", "the app", "your website", "my router", "my order"),
}
_COMPLAINTS: Sentences = {
    "da": (
        "{thing} er stadig ikke i orden, og ingen svarer mig",
        "{thing} virker ikke, det er simpelthen for dårligt",
        "jeg er rasende, {thing} er forkert for tredje gang",
        "nu har jeg ventet i to uger på {thing}, elendig service",
    ),
    "sv": (
        "{thing} fungerar fortfarande inte och ingen svarar mig",
        "{thing} krånglar igen, riktigt dålig service",
        "jag är förbannad, {thing} är fel för tredje gången",
        "jag har väntat i två veckor på {thing}, helt oacceptabelt",
    ),
    "nb": (
        "{thing} virker fortsatt ikke, og ingen svarer meg",
        "{thing} er feil igjen, skikkelig dårlig service",
        "jeg er rasende, {thing} er feil for tredje gang",
        "nå har jeg ventet i to uker på {thing}, helt uakseptabelt",
    ),
    "en": (
        "{thing} is still broken and nobody answers me",
        "{thing} is wrong again, what terrible service",
        "I am furious, {thing} is wrong for the third time",
        "I have been waiting two weeks for {thing}, this is unacceptable",
    ),
}
_QUESTIONS: Sentences = {
    "da": ("hvornår kommer {thing}?", "hvordan får jeg hjælp med {thing}?", "kan i se hvor {thing} er?"),
    "sv": ("när kommer {thing}?", "hur kan jag få hjälp med {thing}?", "kan ni se var {thing} är?"),
    "nb": ("når kommer {thing}?", "hvordan får jeg hjelp med {thing}?", "kan dere se hvor {thing} er?"),
    "en": ("when will {thing} be ready?", "how can I get help with {thing}?", "can you see where {thing} is?"),
}
_PRAISES: Sentences = {
    "da": ("tusind tak for god hjælp med {thing}!", "stor ros til jer, {thing} er perfekt nu"),
    "sv": ("tusen tack för bra hjälp med {thing}!", "stort tack, {thing} är perfekt nu"),
    "nb": ("tusen takk for god hjelp med {thing}!", "skryt til dere, {thing} er perfekt nå"),
    "en": ("thank you so much for the help with {thing}!", "great service, {thing} is perfect now"),
}
_GRIEFS: Sentences = {
    "da": ("min mand er gået bort, og nu skal {thing} lukkes", "det er efter et dødsfald, hvad gør jeg med {thing}?"),
    "sv": ("min man har gått bort, och nu ska {thing} avslutas", "det är efter ett dödsfall, vad gör jag med {thing}?"),
    "nb": ("mannen min har gått bort, og nå skal {thing} avsluttes", "det er etter et dødsfall, hva med {thing}?"),
    "en": ("my husband passed away and {thing} has to be closed", "this is after a funeral, what about {thing}?"),
}
_SELF_HARMS: Sentences = {
    "da": ("jeg orker ikke leve længere, og så kommer {thing} oveni",),
    "sv": ("jag orkar inte leva längre, och så kommer {thing} också",),
    "nb": ("jeg orker ikke leve lenger, og så kommer {thing} i tillegg",),
    "en": ("I don't want to live any more, and now {thing} on top of it",),
}
_LEGALS: Sentences = {
    "da": ("min advokat skriver til jer om {thing}", "jeg klager til forbrugerklagenævnet over {thing}"),
    "sv": ("min advokat skriver till er om {thing}", "jag anmäler er till konsumentverket för {thing}"),
    "nb": ("advokaten min skriver til dere om {thing}", "jeg klager til forbrukertilsynet på {thing}"),
    "en": ("my lawyer will write to you about {thing}", "I am taking legal action over {thing}"),
}
_STOPS: Sentences = {
    "da": ("stop med at skrive til mig", "skriv ikke til mig igen", "lad mig være i fred"),
    "sv": ("sluta skriva till mig", "skriv inte till mig igen", "lämna mig i fred"),
    "nb": ("slutt å skrive til meg", "ikke skriv til meg igjen", "la meg være i fred"),
    "en": ("stop messaging me", "do not contact me again", "leave me alone"),
}
_NOISES: Sentences = {
    "da": ("i dag bager jeg boller, og det regner", "nogen der har set min blå cykel?"),
    "sv": ("i dag bakar jag bullar och det regnar", "någon som har sett min blå cykel?"),
    "nb": ("i dag baker jeg boller, og det regner", "noen som har sett den blå sykkelen min?"),
    "en": ("baking buns today while it rains", "has anyone seen my blue bicycle?"),
}
_SAID: dict[str, Sentences] = {
    "complaint": _COMPLAINTS,
    "question": _QUESTIONS,
    "praise": _PRAISES,
    "grief": _GRIEFS,
    "self_harm": _SELF_HARMS,
    "legal": _LEGALS,
    "stop": _STOPS,
    "noise": _NOISES,
}
_FIRST = ("kari", "ola", "maja", "lars", "astrid", "nils", "freja", "erik", "ingrid", "sven", "liv", "jonas")


def said(kind: str, rng: random.Random) -> str:
    """Return something of this kind, in one of the four languages."""
    language = rng.choice(LANGUAGES)
    return rng.choice(_SAID[kind][language]).format(thing=rng.choice(_THINGS[language]))


def everything() -> list[tuple[str, str]]:
    """Return each sentence there is with its kind, for a test that the house knows the grave ones."""
    return [
        (kind, sentence.format(thing=_THINGS[language][0]))
        for kind, by_language in _SAID.items()
        for language, sentences in by_language.items()
        for sentence in sentences
    ]


def name(rng: random.Random, number: int) -> str:
    """Return a person's handle that both platforms allow."""
    return f"{rng.choice(_FIRST)}_{number}"


def machine_name(rng: random.Random, number: int) -> str:
    """Return a handle that says that a machine writes."""
    return rng.choice((f"news{number}_bot", f"Tips{number}Bot", f"bot_{number}"))
