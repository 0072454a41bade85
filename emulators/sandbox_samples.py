"""Owns the one-click posts of the sandbox page. Refuses to own the replay's posts: those are in replay_posts.toml."""

SAMPLES: tuple[dict[str, str], ...] = (
    {"mood": "praise", "lang": "da", "author": "mette_l", "followers": "240",
     "text": "@brand pakken kom en dag før tid, og buddet ringede endda på. Godt gået!"},
    {"mood": "question", "lang": "sv", "author": "jonas_ek", "followers": "88",
     "text": "@brand går det att byta utlämningsställe när paketet redan är skickat?"},
    {"mood": "angry", "lang": "nb", "author": "kari_h", "followers": "5200",
     "text": "@brand tredje gang dere melder «levert» uten at noe er levert. Jeg er drittlei."},
    {"mood": "question", "lang": "en", "author": "priya_reads", "followers": "410",
     "text": "@brand is the app down for everyone or is it just me? Can't see my orders."},
    {"mood": "hashtag only", "lang": "en", "author": "nightbus23", "followers": "31",
     "text": "#brandfail #brand"},
    {"mood": "angry", "lang": "da", "author": "soren_bk", "followers": "1900",
     "text": "@brand I har trukket mit abonnement to gange i denne måned. Jeg vil have pengene tilbage NU."},
    {"mood": "praise", "lang": "sv", "author": "elin_vg", "followers": "150",
     "text": "@brand er kundtjänst löste det på fem minuter. Tusen tack!"},
    {"mood": "question", "lang": "nb", "author": "ola_m", "followers": "64",
     "text": "@brand hvordan sier jeg opp abonnementet? Finner ikke knappen i appen."},
)  # fmt: skip
