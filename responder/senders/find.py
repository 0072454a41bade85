"""Which of our published posts is the reply we are looking for.

Owns that judgement. Refuses to ask platforms: senders do.

Equal text decides. Where none is equal, a post of ours under the same target from after we began to send
counts too: platforms rewrite text (links shortened, names prefixed), and one answer too few is mended by a
person while one too many stands in public. An earlier post with another text does not count: it is the
acknowledgement, when we look for the answer.
"""

import html
import re
import unicodedata
from collections.abc import Collection
from datetime import timedelta

from core.reply import Receipt, Reply
from platforms.published import OwnReplies
from responder.senders.base import Look

# The platform's clock and ours may differ by this much.
CLOCK_SKEW = timedelta(seconds=2)


def find_among(
    found: OwnReplies, reply: Reply, not_these: Collection[str] = (), nor_saying: Collection[str] = ()
) -> Receipt | Look:
    """Return the receipt of `reply`, or what its absence tells. `not_these` belong to other replies.

    So do those with the words `nor_saying`, whose ids nobody knows yet.
    """
    wanted, others = plain(reply.text), {plain(text) for text in nor_saying}
    candidates = [post for post in found.replies if post.remote_id not in not_these]
    same = [post for post in candidates if plain(post.text) == wanted]
    later = [
        post
        for post in candidates
        if reply.sending_at is not None
        and post.published_at >= reply.sending_at - CLOCK_SKEW
        and plain(post.text) not in others
    ]
    for post in same + later:
        return Receipt(remote_id=post.remote_id, url=post.url)
    return Look.ABSENT if found.is_complete else Look.CANNOT_TELL


def plain(text: str) -> str:
    """Return `text` without what platforms change: entities, spaces, links, leading @names."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = re.sub(r"^(?:@\w{1,15}\s+)+", "", text.strip())
    return " ".join(re.sub(r"https?://\S+", "<link>", text).split())
