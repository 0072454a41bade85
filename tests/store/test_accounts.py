"""Our accounts: active or quiet, and who said so."""

from sqlalchemy import select

from core.config import AccountConfig
from core.errors import NeedsOperator
from core.post import Platform
from store import tables as t
from store.accounts import Accounts, AccountState, HousePause
from store.database import Database
from tests.builders import NOW

CONFIG = AccountConfig(name="x-main", platform=Platform.X, handle="fjordnet_dk", credentials={})


async def test_enrolling_again_takes_the_new_handle_and_keeps_a_persons_pause(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.set_state("x-main", AccountState.PAUSED, reason="quiet day", by="kari", at=NOW)
    await accounts.enrol([CONFIG], at=NOW)
    (row,) = await accounts.all()
    assert (row.handle, row.state, row.reason, row.changed_by) == (
        "fjordnet_dk",
        AccountState.PAUSED,
        "quiet day",
        "kari",
    )


async def test_an_account_that_needed_an_operator_gets_a_new_try_at_the_next_start(database: Database) -> None:
    accounts = Accounts(database)
    await accounts.set_state("x-main", AccountState.NEEDS_OPERATOR, reason="revoked", by="genlyd", at=NOW)
    await accounts.enrol([CONFIG], at=NOW)
    assert await accounts.state("x-main") is AccountState.ACTIVE


async def test_an_account_that_a_person_had_paused_is_paused_again_at_the_next_start(database: Database) -> None:
    """Its platform turned it away meanwhile: mending the credentials must not make the bot speak (I6)."""
    accounts = Accounts(database)
    await accounts.set_state("x-main", AccountState.PAUSED, reason="quiet day", by="kari", at=NOW)
    for _ in range(2):
        assert await accounts.call_operator(NeedsOperator("x-main", "revoked", cure="Renew it."), at=NOW)
        await accounts.enrol([CONFIG], at=NOW)
        (row,) = await accounts.all()
        assert (row.state, row.reason, row.changed_by) == (AccountState.PAUSED, "quiet day", "kari")
    await accounts.set_state("x-main", AccountState.ACTIVE, reason="", by="kari", at=NOW)
    await accounts.call_operator(NeedsOperator("x-main", "revoked", cure="Renew it."), at=NOW)
    await accounts.enrol([CONFIG], at=NOW)
    assert await accounts.state("x-main") is AccountState.ACTIVE


async def test_a_change_of_state_is_said_once_and_audited(database: Database) -> None:
    accounts = Accounts(database)
    assert await accounts.set_state("x-main", AccountState.PAUSED, reason="r", by="kari", at=NOW)
    assert not await accounts.set_state("x-main", AccountState.PAUSED, reason="r", by="ola", at=NOW)
    assert not await accounts.set_state("nobody", AccountState.PAUSED, reason="r", by="ola", at=NOW)
    assert await accounts.state("nobody") is AccountState.ACTIVE
    async with database.read() as connection:
        assert [line.by for line in await connection.execute(select(t.audit))] == ["kari"]


async def test_the_house_is_paused_and_resumed_with_its_reason(database: Database) -> None:
    accounts = Accounts(database)
    assert not await accounts.is_house_paused()
    assert await accounts.house_pause() is None
    await accounts.pause_house(True, by="kari", at=NOW, reason="a storm")
    assert await accounts.is_house_paused()
    assert await accounts.house_pause() == HousePause(by="kari", at=NOW, reason="a storm")
    await accounts.pause_house(False, by="ola", at=NOW)
    assert not await accounts.is_house_paused()
    async with database.read() as connection:
        assert [line.action for line in await connection.execute(select(t.audit))] == ["pause", "resume"]
