"""A file on a network drive is told from one on a disk."""

from pathlib import Path

import pytest

from core.errors import ConfigError
from store import database, mounts
from store.mounts import shared_by_machines

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/data /srv/shared nfs4 rw 0 0
/dev/sdb1 /srv/shared/local ext4 rw 0 0
//server/c /srv/with\\040space cifs rw 0 0
host /workspace fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/var/lib/genlyd/genlyd.db", None),
        ("/srv/shared/genlyd/genlyd.db", "nfs4"),
        ("/srv/shared/local/genlyd.db", None),
        ("/srv/with space/genlyd.db", "cifs"),
        ("/workspace/a/genlyd.db", "fuse.sshfs"),
    ],
)
def test_the_nearest_mount_tells(file: str, kind: str | None) -> None:
    assert shared_by_machines(Path(file), MOUNTS) == kind


def test_where_nothing_is_listed_nothing_is_said() -> None:
    assert shared_by_machines(Path("/srv/shared/genlyd.db"), "") is None


async def test_sqlite_on_a_network_drive_is_refused_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "mounts"
    listed.write_text(f"server:/data {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(mounts, "_LIST", listed)
    with pytest.raises(ConfigError, match=r"nfs4.*postgresql://"):
        await database.open_database(f"sqlite:///{tmp_path}/genlyd.db")
