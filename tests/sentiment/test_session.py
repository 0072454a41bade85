"""The session adds int8 products without overflowing, on any processor, and asks Linux whether it has to take care."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sentiment.session import has_vnni, open_session

X86 = "processor\t: 0\nmodel name\t: anything avx512_vnni\nflags\t\t: fpu sse4_2 avx2 {}\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("cpuinfo", "has"),
    [
        (X86.format("avx512f"), False),
        (X86.format("avx512f avx512_vnni"), True),
        (X86.format("avx_vnni"), True),
        ("processor\t: 0\nFeatures\t: fp asimd asimddp\n", False),
        ("", False),
        (None, False),
    ],
    ids=["AVX2 alone", "AVX-512 VNNI", "AVX-VNNI", "ARM", "an empty file", "no such file"],
)
def test_linux_says_whether_there_is_vnni(tmp_path: Path, cpuinfo: str | None, has: bool) -> None:
    file = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        file.write_text(cpuinfo)
    assert has_vnni(file) is has


def test_the_loudest_products_do_not_overflow(tmp_path: Path) -> None:
    inside, outside = 64, 16
    weights = np.full((inside, outside), 127, dtype=np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "loud",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [None, inside])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [None, outside])],
        [numpy_helper.from_array(weights, "w")],
    )
    file = tmp_path / "loud.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    [y] = open_session(file, threads=1).run(["y"], {"x": np.full((3, inside), 255, dtype=np.uint8)})
    assert (y == inside * 127 * 255).all()
