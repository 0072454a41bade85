"""What a post means, small enough to keep: the packing of embeddings. Their likeness is the store's (store.likeness).

Pure. Owns the bytes; refuses to decide which likeness is enough.
"""

import numpy as np

from sentiment.base import Vector


def packed(embedding: Vector) -> bytes:
    """Return an embedding of length one as signed bytes, 127 to the unit."""
    return np.clip(np.rint(embedding * 127), -127, 127).astype(np.int8).tobytes()
