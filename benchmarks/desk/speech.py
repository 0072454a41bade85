"""What a million made-up people say: sentences in four languages, from lists of our own.

Owns the word lists and the making of a text. Deterministic: the same random source says the same. Common words come in
nearly every text and rare ones in a handful, as in real posts: both are what a search has to live with.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language's sentences with places for words, and the words."""

    sentences: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    times: tuple[str, ...]
    heads: tuple[str, ...]
    tails: tuple[str, ...]
    replies: tuple[str, ...]

    def say(self, random: Random) -> str:
        """Return a text of one to three sentences."""
        count = random.choices((1, 2, 3), (5, 4, 2))[0]
        return " ".join(self._sentence(random) for _ in range(count))

    def _sentence(self, random: Random) -> str:
        return random.choice(self.sentences).format(
            thing=random.choice(self.things),
            place=random.choice(self.places),
            time=random.choice(self.times),
            # Long words that hardly anybody else uses, as compounds are in these languages.
            rare=random.choice(self.heads) + random.choice(self.tails),
            number=random.randrange(1_000_000),
        )


# One word a line would make this file a thousand lines long.
# fmt: off
DANISH = Tongue(
    sentences=(
        "Hvorfor er {thing} ikke kommet {time}?",
        "Jeg har ventet på {thing} siden {time} og ingen svarer på telefonen.",
        "Det er tredje gang jeg skriver om {thing}, og det virker stadig ikke.",
        "Tusind tak for hjælpen med {thing} i {place}!",
        "Min ordre {number} er ikke nået frem til {place} endnu.",
        "I har trukket pengene for {thing} to gange på min konto.",
        "Hvordan får jeg fat i en der kan hjælpe med {thing}?",
        "Der er ingen forbindelse i {place} {time}, er det en fejl hos jer?",
        "Nu er {rare} gået i stykker igen, det er for dårligt.",
        "Er der nogen der ved om {rare} kan bruges sammen med {thing}?",
        "Jeg vil gerne opsige {thing}, hvor gør jeg det?",
        "Appen går ned når jeg åbner {thing}, sag {number}.",
        "Rigtig god betjening i butikken i {place} {time}.",
        "I lovede at ringe {time}, men det har I ikke gjort.",
        "Så gik strømmen i hele {place}, hvornår kommer den igen?",
    ),
    things=(
        "pakken", "regningen", "internettet", "routeren", "abonnementet", "fakturaen", "bredbåndet", "kortet",
        "telefonen", "leveringen", "returvaren", "pengene", "aftalen", "teknikeren", "sikkerheden",
        "gavekortet", "cyklen", "måleren",
    ),
    places=(
        "Aarhus", "Odense", "Aalborg", "Esbjerg", "Randers", "Kolding", "Horsens", "Vejle", "Roskilde",
        "Silkeborg", "Næstved", "Sønderborg", "Hjørring", "Køge", "Ærøskøbing", "Skagen", "Tønder", "Ringsted",
        "Nyborg", "Grenaa",
    ),
    times=(
        "i går", "i dag", "i mandags", "i tirsdags", "i sidste uge", "i morges", "for tre uger siden",
        "hele weekenden", "siden klokken otte", "i aftes", "før jul", "i over en måned",
    ),
    heads=(
        "fiber", "vand", "strøm", "fjern", "køle", "vaske", "glas", "træ", "skrue", "knap", "låge", "kabel",
        "sø", "mose", "bakke", "kirke", "havne", "mølle", "smede", "bager", "regn", "sne", "storm", "lyn",
        "sten", "jord", "løv", "rød", "grøn", "blå", "små", "stor", "nat", "dag", "skole", "bolig", "cykel",
        "tog", "færge", "bro",
    ),
    tails=(
        "boksen", "måleren", "kassen", "lågen", "ledningen", "stikket", "pumpen", "ventilen", "skabet",
        "hylden", "krogen", "ringen", "rammen", "pladen", "stangen", "filteret", "hjulet", "kæden", "lampen",
        "pæren", "kontakten", "antennen", "skærmen", "tasten", "kortet", "nøglen", "låsen", "hængslet",
        "skinnen", "kurven", "sækken", "spanden", "slangen", "dysen", "hanen", "risten", "tragten", "klemmen",
        "bolten", "fjederen",
    ),
    replies=(
        "Hej. Vi har set dit opslag og er på sagen.",
        "Tak fordi du skriver. Vi ser på det nu.",
        "Det beklager vi.",
    ),
)

SWEDISH = Tongue(
    sentences=(
        "Varför har inte {thing} kommit {time}?",
        "Jag har väntat på {thing} sedan {time} och ingen svarar i telefon.",
        "Det är tredje gången jag skriver om {thing} och det fungerar fortfarande inte.",
        "Tack så mycket för hjälpen med {thing} i {place}!",
        "Min beställning {number} har inte kommit fram till {place} än.",
        "Ni har dragit pengarna för {thing} två gånger från mitt konto.",
        "Hur får jag tag på någon som kan hjälpa till med {thing}?",
        "Det finns ingen uppkoppling i {place} {time}, är det fel hos er?",
        "Nu är {rare} trasig igen, det är för dåligt.",
        "Vet någon om {rare} går att använda ihop med {thing}?",
        "Jag vill säga upp {thing}, var gör jag det?",
        "Appen kraschar när jag öppnar {thing}, ärende {number}.",
        "Riktigt bra service i butiken i {place} {time}.",
        "Ni lovade att ringa {time} men det har ni inte gjort.",
        "Så gick strömmen i hela {place}, när kommer den tillbaka?",
    ),
    things=(
        "paketet", "räkningen", "internet", "routern", "abonnemanget", "fakturan", "bredbandet", "kortet",
        "telefonen", "leveransen", "returen", "pengarna", "avtalet", "teknikern", "säkerheten", "presentkortet",
        "cykeln", "mätaren",
    ),
    places=(
        "Göteborg", "Malmö", "Uppsala", "Västerås", "Örebro", "Linköping", "Helsingborg", "Jönköping",
        "Norrköping", "Lund", "Umeå", "Gävle", "Borås", "Södertälje", "Eskilstuna", "Karlstad", "Växjö",
        "Sundsvall", "Östersund", "Kiruna",
    ),
    times=(
        "i går", "i dag", "i måndags", "i tisdags", "förra veckan", "i morse", "för tre veckor sedan",
        "hela helgen", "sedan klockan åtta", "i går kväll", "före jul", "i över en månad",
    ),
    heads=(
        "fiber", "vatten", "ström", "fjärr", "kyl", "tvätt", "glas", "trä", "skruv", "knapp", "luck", "kabel",
        "sjö", "myr", "back", "kyrk", "hamn", "kvarn", "smed", "bagar", "regn", "snö", "storm", "blixt", "sten",
        "jord", "löv", "röd", "grön", "blå", "små", "stor", "natt", "dag", "skol", "bostads", "cykel", "tåg",
        "färje", "bro",
    ),
    tails=(
        "dosan", "mätaren", "lådan", "luckan", "ledningen", "kontakten", "pumpen", "ventilen", "skåpet",
        "hyllan", "kroken", "ringen", "ramen", "plattan", "stången", "filtret", "hjulet", "kedjan", "lampan",
        "lysröret", "brytaren", "antennen", "skärmen", "tangenten", "kortet", "nyckeln", "låset", "gångjärnet",
        "skenan", "korgen", "säcken", "hinken", "slangen", "munstycket", "kranen", "gallret", "tratten",
        "klämman", "bulten", "fjädern",
    ),
    replies=(
        "Hej. Vi har sett ditt inlägg och tittar på det.",
        "Tack för att du skriver. Vi tittar nu.",
        "Vi beklagar.",
    ),
)

NORWEGIAN = Tongue(
    sentences=(
        "Hvorfor har ikke {thing} kommet {time}?",
        "Jeg har ventet på {thing} siden {time} og ingen svarer på telefonen.",
        "Dette er tredje gang jeg skriver om {thing}, og det virker fortsatt ikke.",
        "Tusen takk for hjelpen med {thing} i {place}!",
        "Bestillingen min {number} har ikke kommet fram til {place} ennå.",
        "Dere har trukket pengene for {thing} to ganger fra kontoen min.",
        "Hvordan får jeg tak i noen som kan hjelpe med {thing}?",
        "Det er ikke nett i {place} {time}, er det feil hos dere?",
        "Nå er {rare} ødelagt igjen, dette er for dårlig.",
        "Er det noen som vet om {rare} kan brukes sammen med {thing}?",
        "Jeg vil si opp {thing}, hvor gjør jeg det?",
        "Appen krasjer når jeg åpner {thing}, sak {number}.",
        "Veldig god service i butikken i {place} {time}.",
        "Dere lovte å ringe {time}, men det har dere ikke gjort.",
        "Så gikk strømmen i hele {place}, når kommer den tilbake?",
    ),
    things=(
        "pakken", "regningen", "nettet", "ruteren", "abonnementet", "fakturaen", "bredbåndet", "kortet",
        "telefonen", "leveringen", "returen", "pengene", "avtalen", "teknikeren", "sikkerheten", "gavekortet",
        "sykkelen", "måleren",
    ),
    places=(
        "Bergen", "Trondheim", "Stavanger", "Drammen", "Fredrikstad", "Tromsø", "Sandnes", "Ålesund", "Bodø",
        "Tønsberg", "Haugesund", "Moss", "Arendal", "Hamar", "Lillehammer", "Molde", "Harstad", "Gjøvik",
        "Alta", "Kirkenes",
    ),
    times=(
        "i går", "i dag", "på mandag", "på tirsdag", "forrige uke", "i morges", "for tre uker siden",
        "hele helgen", "siden klokka åtte", "i går kveld", "før jul", "i over en måned",
    ),
    heads=(
        "fiber", "vann", "strøm", "fjern", "kjøle", "vaske", "glass", "tre", "skrue", "knapp", "luke", "kabel",
        "sjø", "myr", "bakke", "kirke", "havne", "mølle", "smie", "baker", "regn", "snø", "storm", "lyn",
        "stein", "jord", "løv", "rød", "grønn", "blå", "små", "stor", "natt", "dag", "skole", "bolig", "sykkel",
        "tog", "ferge", "bru",
    ),
    tails=(
        "boksen", "måleren", "kassa", "luka", "ledningen", "kontakten", "pumpa", "ventilen", "skapet", "hylla",
        "kroken", "ringen", "ramma", "plata", "stanga", "filteret", "hjulet", "kjedet", "lampa", "pæra",
        "bryteren", "antenna", "skjermen", "tasten", "kortet", "nøkkelen", "låsen", "hengselen", "skinna",
        "kurven", "sekken", "bøtta", "slangen", "dysen", "krana", "rista", "trakta", "klemma", "bolten",
        "fjæra",
    ),
    replies=(
        "Hei. Vi har sett innlegget ditt og er på saken.",
        "Takk for at du skriver. Vi ser på det nå.",
        "Beklager.",
    ),
)

ENGLISH = Tongue(
    sentences=(
        "Why has {thing} not arrived {time}?",
        "I have been waiting for {thing} since {time} and nobody answers the phone.",
        "This is the third time I write about {thing} and it still does not work.",
        "Thank you so much for the help with {thing} in {place}!",
        "My order {number} has not reached {place} yet.",
        "You have charged me twice for {thing}.",
        "How do I reach someone who can help with {thing}?",
        "There is no connection in {place} {time}, is this an outage?",
        "Now the {rare} is broken again, this is not good enough.",
        "Does anyone know if the {rare} can be used with {thing}?",
        "I want to cancel {thing}, where do I do that?",
        "The app crashes when I open {thing}, case {number}.",
        "Really good service in the shop in {place} {time}.",
        "You promised to call {time} but you did not.",
        "The power went out in all of {place}, when is it back?",
    ),
    things=(
        "the parcel", "the bill", "the internet", "the router", "the subscription", "the invoice",
        "the broadband", "the card", "the phone", "the delivery", "the return", "the refund", "the contract",
        "the engineer", "the security", "the gift card", "the bike", "the meter",
    ),
    places=(
        "Copenhagen", "Stockholm", "Oslo", "Aarhus", "Gothenburg", "Bergen", "Malmo", "Odense", "Uppsala",
        "Trondheim", "Lund", "Stavanger", "Esbjerg", "Lulea", "Tromso", "Vejle", "Kolding", "Narvik", "Visby",
        "Billund",
    ),
    times=(
        "yesterday", "today", "on Monday", "on Tuesday", "last week", "this morning", "three weeks ago",
        "all weekend", "since eight", "last night", "before Christmas", "for over a month",
    ),
    heads=(
        "fibre", "water", "power", "remote", "cooling", "washing", "glass", "timber", "screw", "button",
        "hatch", "cable", "lake", "marsh", "hill", "church", "harbour", "mill", "forge", "baker", "rain",
        "snow", "storm", "flash", "stone", "earth", "leaf", "red", "green", "blue", "tiny", "large", "night",
        "day", "school", "home", "cycle", "train", "ferry", "bridge",
    ),
    tails=(
        "box", "gauge", "crate", "lid", "lead", "plug", "pump", "valve", "cupboard", "shelf", "hook", "ring",
        "frame", "plate", "rod", "filter", "wheel", "chain", "lamp", "bulb", "switch", "aerial", "screen",
        "key", "card", "latch", "lock", "hinge", "rail", "basket", "sack", "bucket", "hose", "nozzle", "tap",
        "grate", "funnel", "clamp", "bolt", "spring",
    ),
    replies=(
        "Hello. We have seen your post and are on it.",
        "Thanks for writing. We are looking now.",
        "We are sorry.",
    ),
)

FIRST_NAMES = (
    "Mette", "Lars", "Søren", "Anne", "Jens", "Kirsten", "Åse", "Bjørn", "Kari", "Ola", "Ingrid", "Nils",
    "Elin", "Jonas", "Sven", "Maja", "Örjan", "Åke", "Freja", "Sofie", "Emil", "Oscar", "Ida", "Nora", "Leif",
    "Tove", "Gunnar", "Astrid", "Priya", "Omar", "Fatima", "Ewa", "Piotr", "Linh", "Sara", "Adam", "Yusuf",
    "Hanna", "Erik", "Lena",
)
LAST_NAMES = (
    "Jensen", "Nielsen", "Hansen", "Pedersen", "Andersen", "Larsen", "Sørensen", "Rasmussen", "Johansson",
    "Karlsson", "Nilsson", "Eriksson", "Lindqvist", "Bergström", "Sjöberg", "Öberg", "Olsen", "Kristiansen",
    "Berg", "Haugen", "Dahl", "Solberg", "Bakken", "Strand", "Lund", "Holm", "Møller", "Kjær", "Lind", "Ström",
    "Åberg", "Nygård", "Vik", "Moen", "Khan", "Ali", "Nowak", "Smith", "Brown", "Patel",
)
