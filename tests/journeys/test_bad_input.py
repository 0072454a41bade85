"""Wrong credentials and broken configs: named, with the cure, and nobody else suffers."""

from __future__ import annotations

import asyncio
import sys

from tests.conftest import Emulated
from tests.house import ROOT, House
from tests.journeys.conftest import Eventually, Webhook


async def test_a_wrong_credential_names_the_account_and_the_cure_and_the_others_go_on(
    house: House, emulated_x: Emulated, webhook: Webhook, eventually: Eventually
) -> None:
    house.password = "wrong-password"
    house.write_config()
    await house.start()
    post = await emulated_x.post("ida", "@brand tak for hurtig hjælp i går!")
    await eventually(lambda: emulated_x.replies_to(post))
    [told] = await eventually(lambda: webhook.told)
    assert "reddit-main" in told["title"]
    assert "password" in told["message"]
    assert "reddit-main" in house.log()
    assert "wrong-password" not in house.log()


async def test_a_broken_config_lists_every_problem_with_its_line_and_exits_2(house: House) -> None:
    house.write_config('\n[[rules]]\nname = "r"\nmood = "angry"\n\n[sentiment]\nmodel = 3\nthread = 1\n')
    for command in (("check", str(house.config)), ("run", "--config", str(house.config))):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", *command, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, err = await process.communicate()
        assert process.returncode == 2
        said = err.decode()
        lines = house.config.read_text().splitlines()
        for key in ("mood =", "model = 3", "thread ="):
            number = next(i for i, line in enumerate(lines, start=1) if line.startswith(key))
            assert f"line {number}: " in said
