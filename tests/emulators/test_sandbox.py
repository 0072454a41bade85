"""What the sandbox page shows beside the posts."""

from typing import Any


async def test_the_sandbox_keeps_what_a_supervisor_is_told(x_sandbox: Any) -> None:
    assert await x_sandbox.ask("GET", "alerts") == (200, [])
    told = {"version": "1.0", "title": "Urgency 80", "message": "@anna on x", "attachments": [], "type": "info"}
    status, _ = await x_sandbox.ask("POST", "alerts", told)
    assert status == 201
    _, [alert] = await x_sandbox.ask("GET", "alerts")
    assert (alert["title"], alert["message"]) == ("Urgency 80", "@anna on x")


async def test_an_alert_that_is_no_object_is_refused(x_sandbox: Any) -> None:
    status, said = await x_sandbox.ask("POST", "alerts", ["no"])
    assert status == 400
    assert "object" in said["error"]


async def test_on_x_an_edit_makes_a_new_post_that_replaces_the_old_and_deleting_one_deletes_all(
    x_sandbox: Any, tweepy_client: Any
) -> None:
    first = await x_sandbox.write("kari", "@brand one")
    second = await edit(x_sandbox, first, "@brand two")
    answer = await tweepy_client.get_tweets([first, second])
    assert [(post.id, post.text) for post in answer.data] == [(int(first), "@brand one"), (int(second), "@brand two")]
    assert [post.edit_history_tweet_ids for post in answer.data] == [[int(first), int(second)]] * 2
    found = await tweepy_client.search_recent_tweets("@brand")
    assert [post.id for post in found.data] == [int(second)], "lists show the newest version only"
    await x_sandbox.ask("DELETE", f"posts/{second}")
    answer = await tweepy_client.get_tweets([first, second])
    assert [error["resource_id"] for error in answer.errors] == [first, second]


async def test_x_allows_five_edits_of_a_young_post_that_answers_nobody_else(x_sandbox: Any) -> None:
    post = await x_sandbox.write("kari", "@brand 0")
    for number in range(1, 6):
        await edit(x_sandbox, post, f"@brand {number}")
    answer = await x_sandbox.write("ola", "and me", in_reply_to=post)
    old = await x_sandbox.write("kari", "@brand old", at="2026-01-01T00:00:00Z")
    for refused in (post, answer, old):
        status, said = await x_sandbox.ask("PATCH", f"posts/{refused}", {"text": "no"})
        assert (status, "error" in said) == (400, True)


async def test_on_reddit_an_edit_keeps_the_id_and_says_when(reddit_sandbox: Any, praw: Any) -> None:
    name = await reddit_sandbox.write("kari", "u/brand one")
    assert await edit(reddit_sandbox, name, "u/brand two") == name
    [comment] = [thing async for thing in praw.info(fullnames=[name])]
    assert (comment.body, comment.edited > 0) == ("u/brand two", True)


async def test_an_edit_that_cannot_be_meant_is_refused(x_sandbox: Any) -> None:
    post = await x_sandbox.write("kari", "@brand one")
    bodies: list[object] = [{}, {"text": " "}, {"text": "x", "author": "y"}, []]
    for body in bodies:
        status, _ = await x_sandbox.ask("PATCH", f"posts/{post}", body)
        assert status == 400
    assert (await x_sandbox.ask("PATCH", "posts/77", {"text": "x"}))[0] == 404


async def edit(sandbox: Any, post: str, text: str) -> str:
    status, said = await sandbox.ask("PATCH", f"posts/{post}", {"text": text})
    assert status == 200, said
    return str(said["id"])
