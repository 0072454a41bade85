"""How alike two posts are, from what a model kept of their meaning.

Owns the reading of kept embeddings (signed bytes, 127 to the unit), their cosine, and which cosine is "says nearly the
same". Refuses to make embeddings: sentiment does.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# From this cosine up, two posts say nearly the same. On the shipped model, posts that differ in one telling word ("has
# come", "has not come") reached 0.87, and posts copied with a word or a sign changed stood from 0.93; the same matter
# said freely is mostly below both. Measure again whenever the model changes.
NEAR = 0.92


def unpacked(rows: Sequence[bytes]) -> NDArray[np.float32]:
    """Return float32 [rows, dimensions], each of length one again."""
    plain = np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), -1).astype(np.float32)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    out: NDArray[np.float32] = plain / np.maximum(lengths, 1e-6)
    return out


def likeness(one: bytes, others: Sequence[bytes]) -> NDArray[np.float32]:
    """Return the cosine of `one` with each of `others`: float32 [others], -1..1."""
    if not others:
        return np.zeros(0, dtype=np.float32)
    out: NDArray[np.float32] = unpacked(others) @ unpacked([one])[0]
    return out
