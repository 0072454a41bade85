"""On what a file lies: a disk of this machine, or one that several machines reach.

Owns that look, where the system lists its mounts (Linux). Elsewhere it knows nothing and says so.
"""

from pathlib import Path

_LIST = Path("/proc/self/mounts")
_SHARED = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ceph",
    "gfs",
    "glusterfs",
    "lustre",
    "ocfs",
    "fuse.sshfs",
    "fuse.gluster",
)


def shared_by_machines(file: Path, mounts: str | None = None) -> str | None:
    """Return the kind of the network file system that `file` lies on; None for a disk, and where nobody can tell."""
    kinds: dict[Path, str] = {}
    for line in (_listed() if mounts is None else mounts).splitlines():
        _device, where, kind, *_ = [*line.split(" "), "", "", ""]
        # The list writes a space as \040. What was mounted last lies on top.
        kinds[Path(where.replace("\\040", " "))] = kind
    # Of Path.parents the nearest comes first.
    nearest = next((kinds[folder] for folder in file.absolute().parents if folder in kinds), "")
    return nearest if nearest.startswith(_SHARED) else None


def _listed() -> str:
    try:
        return _LIST.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
