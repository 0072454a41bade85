"""How ONNX Runtime runs the network: on how many threads, without spinning, and without int8 sums that overflow.

Owns the options of the session. Refuses to know what the network is about.
"""

from pathlib import Path

import onnxruntime as ort

_CPUINFO = Path("/proc/cpuinfo")
_VNNI = frozenset({"avx512_vnni", "avx_vnni"})
# Adding and evening out in one go takes ONNX Runtime longer than one after the other: a twentieth of the whole.
_SLOWER = ["SkipLayerNormFusion"]


def open_session(file: Path, *, threads: int) -> ort.InferenceSession:
    """Return a session of `file` on so many threads. Raises: whatever ONNX Runtime does where it cannot read it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning pool burns the core that the event loop needs (measured: 10x slower beside a busy neighbour).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # x86 without VNNI adds two products in 16 bits, which overflow. Wider sums cost it a sixth of the speed; with VNNI
    # they would cost that for nothing, and ONNX Runtime does not ask. On other processors the option says nothing.
    options.add_session_config_entry("session.x64quantprecision", "0" if has_vnni() else "1")
    options.log_severity_level = 3
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER)


def has_vnni(cpuinfo: Path = _CPUINFO) -> bool:
    """Return whether Linux says that the processor adds int8 products in 32 bits; False where nobody says."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return not _VNNI.isdisjoint(flags.split())
