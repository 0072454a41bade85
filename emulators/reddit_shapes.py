"""Owns how Reddit writes a comment, a submission, a message, an author and a listing as JSON.

Refuses to own which things are asked for. Field sets follow answers recorded from oauth.reddit.com.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.world import Author, Post, World, base36, number_for

# fields every thing has, and what they hold for things nobody moderated, awarded or flaired
COMMON: Mapping[str, Any] = {
    "all_awardings": [], "approved_at_utc": None, "approved_by": None, "archived": False, "associated_award": None,
    "author_flair_background_color": None, "author_flair_css_class": None, "author_flair_richtext": [],
    "author_flair_template_id": None, "author_flair_text": None, "author_flair_text_color": None,
    "author_flair_type": "text", "author_is_blocked": False, "author_patreon_flair": False, "author_premium": False,
    "awarders": [], "banned_at_utc": None, "banned_by": None, "can_gild": False, "can_mod_post": False,
    "distinguished": None, "downs": 0, "edited": False, "gilded": 0, "gildings": {}, "likes": None, "mod_note": None,
    "mod_reason_by": None, "mod_reason_title": None, "mod_reports": [], "no_follow": True, "num_reports": None,
    "removal_reason": None, "report_reasons": None, "saved": False, "score": 1, "send_replies": True, "stickied": False,
    "subreddit_type": "public", "top_awarded_type": None, "total_awards_received": 0, "treatment_tags": [], "ups": 1,
    "user_reports": [],
}  # fmt: skip
COMMENT: Mapping[str, Any] = {
    "collapsed": False, "collapsed_because_crowd_control": None, "collapsed_reason": None,
    "collapsed_reason_code": None, "comment_type": None, "controversiality": 0,
    "score_hidden": False, "unrepliable_reason": None,
}  # fmt: skip
SUBMISSION: Mapping[str, Any] = {
    "allow_live_comments": False, "category": None, "clicked": False, "content_categories": None, "contest_mode": False,
    "discussion_type": None, "hidden": False, "hide_score": False, "is_created_from_ads_ui": False,
    "is_crosspostable": True, "is_meta": False, "is_original_content": False, "is_reddit_media_domain": False,
    "is_robot_indexable": True, "is_self": True, "is_video": False, "link_flair_background_color": "",
    "link_flair_css_class": None, "link_flair_richtext": [], "link_flair_text": None, "link_flair_text_color": "dark",
    "link_flair_type": "text", "media": None, "media_embed": {}, "media_only": False, "num_crossposts": 0,
    "num_duplicates": 0, "over_18": False, "parent_whitelist_status": None, "pinned": False, "pwls": None,
    "quarantine": False, "removed_by": None, "removed_by_category": None, "secure_media": None,
    "secure_media_embed": {}, "spoiler": False, "subreddit_subscribers": 4200, "suggested_sort": None,
    "thumbnail": "self", "thumbnail_height": None, "thumbnail_width": None, "upvote_ratio": 1.0, "view_count": None,
    "visited": False, "whitelist_status": None, "wls": None,
}  # fmt: skip
GONE = "[deleted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How texts are escaped: without raw_json=1 the API turns &, < and > into entities."""

    is_raw: bool

    def text(self, text: str) -> str:
        return text if self.is_raw else html.escape(text, quote=False)

    def html(self, text: str) -> str:
        paragraphs = "\n\n".join(f"<p>{html.escape(p, quote=False)}</p>" for p in text.split("\n\n"))
        return self.text(f'<div class="md">{paragraphs}\n</div>')


def bare(fullname: str) -> str:
    return fullname.partition("_")[2] or fullname


def subreddit_id(name: str) -> str:
    return f"t5_{base36(10**7 + number_for('subreddit', name.lower(), below=10**8))}"


def permalink(world: World, post: Post) -> str:
    root = world.get(post.root)
    slug = re.sub(r"\W+", "_", (root.title or "").lower()).strip("_")[:50] or "_"
    path = f"/r/{post.subreddit}/comments/{bare(root.id)}/{slug}/"
    return path if post.kind == "submission" else f"{path}{bare(post.id)}/"


def thing(world: World, post: Post, spelling: Spelling, *, replies: Any = "") -> dict[str, Any]:
    if post.kind == "submission":
        return {"kind": "t3", "data": _submission(world, post, spelling)}
    return {"kind": "t1", "data": _comment(world, post, spelling) | {"replies": replies}}


def _shared(world: World, post: Post) -> dict[str, Any]:
    author: dict[str, Any] = {"author": GONE}
    if not post.is_deleted:
        author = {"author": post.author, "author_fullname": f"t2_{world.author(post.author).id}"}
    seconds = float(int(post.created_at.timestamp()))
    return {
        **COMMON, **author, "id": bare(post.id), "name": post.id, "created": seconds, "created_utc": seconds,
        "edited": float(int(post.edited_at.timestamp())) if post.edited_at else False,
        "permalink": permalink(world, post), "subreddit": post.subreddit,
        "subreddit_id": subreddit_id(post.subreddit or ""),
        "subreddit_name_prefixed": f"r/{post.subreddit}", "locked": post.is_locked,
    }  # fmt: skip


def _comment(world: World, post: Post, spelling: Spelling) -> dict[str, Any]:
    root = world.get(post.root)
    body = GONE if post.is_deleted else post.text
    return {
        **_shared(world, post), **COMMENT,
        "body": spelling.text(body), "body_html": spelling.html(body),
        "link_id": root.id, "parent_id": post.parent, "is_submitter": post.author == root.author,
    }  # fmt: skip


def with_link(world: World, post: Post, spelling: Spelling) -> dict[str, Any]:
    """A thing as it stands in a listing that is not its thread: a comment there tells of its submission."""
    shown = thing(world, post, spelling)
    root = world.get(post.root)
    address = f"https://www.reddit.com{permalink(world, root)}"
    if post.kind == "comment":
        shown["data"] |= {
            "link_author": GONE if root.is_deleted else root.author, "link_permalink": address,
            "link_title": spelling.text(root.title or ""), "link_url": address,
            "num_comments": world.count_below(root.id), "over_18": False, "quarantine": False,
        }  # fmt: skip
    return shown


def _submission(world: World, post: Post, spelling: Spelling) -> dict[str, Any]:
    text = GONE if post.is_deleted else _selftext(post)
    return {
        **_shared(world, post), **SUBMISSION,
        "title": spelling.text(post.title or ""), "selftext": spelling.text(text),
        "selftext_html": spelling.html(text) if text else None, "domain": f"self.{post.subreddit}",
        "num_comments": world.count_below(post.id), "url": f"https://www.reddit.com{permalink(world, post)}",
    }  # fmt: skip


def _selftext(post: Post) -> str:
    first_line, _, rest = post.text.partition("\n")
    return rest.strip() if first_line[:300] == post.title else post.text


def message(world: World, post: Post, spelling: Spelling, *, kind: str, is_new: bool) -> dict[str, Any]:
    """A comment as the inbox shows it. kind: username_mention, comment_reply or post_reply."""
    subjects = {"username_mention": "username mention", "comment_reply": "comment reply", "post_reply": "post reply"}
    shown = _shared(world, post)
    kept = ("author", "author_fullname", "created", "created_utc", "distinguished", "id", "likes", "name", "score",
            "subreddit", "subreddit_name_prefixed")  # fmt: skip
    root = world.get(post.root)
    data = {key: shown[key] for key in kept if key in shown} | {
        "associated_awarding_id": None, "body": spelling.text(post.text), "body_html": spelling.html(post.text),
        "context": f"{permalink(world, post)}?context=3", "dest": world.handle, "first_message": None,
        "first_message_name": None, "link_title": spelling.text(root.title or ""), "new": is_new,
        "num_comments": world.count_below(root.id), "parent_id": post.parent, "replies": "", "subject": subjects[kind],
        "type": kind, "was_comment": True,
    }  # fmt: skip
    return {"kind": "t1", "data": data}


def listing(
    children: Sequence[dict[str, Any]], *, after: str | None = None, before: str | None = None
) -> dict[str, Any]:
    data = {"after": after, "dist": len(children), "modhash": None, "geo_filter": "", "children": list(children)}
    return {"kind": "Listing", "data": data | {"before": before}}


def account(author: Author) -> dict[str, Any]:
    seconds = float(int(author.created_at.timestamp()))
    return {
        "accept_followers": True, "awardee_karma": 0, "awarder_karma": 0, "comment_karma": author.followers,
        "created": seconds, "created_utc": seconds, "has_subscribed": True, "has_verified_email": True,
        "hide_from_robots": False, "icon_img": "", "id": author.id, "is_blocked": False, "is_employee": False,
        "is_friend": False, "is_gold": False, "is_mod": False, "link_karma": 1, "name": author.handle,
        "pref_show_snoovatar": False, "snoovatar_img": "", "total_karma": author.followers + 1, "verified": True,
    }  # fmt: skip


def subreddit_about(name: str) -> dict[str, Any]:
    return {
        "kind": "t5",
        "data": {
            "accounts_active": 12, "created": 1500000000.0, "created_utc": 1500000000.0, "description": "",
            "display_name": name, "display_name_prefixed": f"r/{name}", "id": bare(subreddit_id(name)), "lang": "en",
            "name": subreddit_id(name), "over18": False, "public_description": "", "quarantine": False,
            "restrict_posting": True, "submission_type": "any", "subreddit_type": "public", "subscribers": 4200,
            "title": name, "url": f"/r/{name}/", "user_is_banned": False, "user_is_moderator": False,
            "user_is_subscriber": True,
        },
    }  # fmt: skip
