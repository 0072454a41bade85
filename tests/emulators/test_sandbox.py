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
