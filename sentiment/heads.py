"""What the model says of a post: the columns of its output, in their one order.

Owns the layout that training writes and the encoder reads. Refuses to hold a weight or a threshold.
"""

from core.assessment import Intent, Language

SENTIMENT = ("negative", "neutral", "positive")
EMOTION = ("anger", "joy", "optimism", "sadness")
# One yes or no each. `level N`: urgency of at least N on the scale of docs/model.md.
MARKS = ("anger", "offensive", "irony")
LEVELS = ("level 1", "level 2", "level 3")
# As written, whoever wrote it: one more witness beside sentiment.language.
LANGUAGES = (Language.DA, Language.SV, Language.NB, Language.NN, Language.EN)
# What only words can say: too rare in any set of posts to learn, and too grave to guess.
BY_WORDS = frozenset({Intent.OPT_OUT, Intent.SELF_HARM, Intent.GRIEF, Intent.PERSON})
INTENTS = tuple(intent for intent in Intent if intent not in BY_WORDS)

COLUMNS = (
    *(f"sentiment {name}" for name in SENTIMENT),
    *(f"emotion {name}" for name in EMOTION),
    *(f"language {language.value}" for language in LANGUAGES),
    *MARKS,
    *LEVELS,
    *(f"intent {intent.value}" for intent in INTENTS),
)
# Softmax runs over each of these; every other column is a logit of its own.
SENTIMENT_AT = slice(0, 3)
EMOTION_AT = slice(3, 7)
LANGUAGE_AT = slice(7, 12)
SOFTMAX = (SENTIMENT_AT, EMOTION_AT, LANGUAGE_AT)
MARKS_AT = slice(12, 15)
LEVELS_AT = slice(15, 18)
INTENTS_AT = slice(18, 18 + len(INTENTS))

EMBEDDING = 384
