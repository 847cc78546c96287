"""The logits of `bvlc_alexnet`'s graph in onnxruntime, for the crate's to be compared with.

    python3 benches/peers/ort_bvlc_alexnet.py tests/meaning/bvlc_alexnet.f32   # needs: pip install onnxruntime onnx==1.16.2 numpy

The graph is the published one's, with Caffe's constants and images of 224 x 224, as the onnx wheel carries it with constants for
weights (`light_bvlc_alexnet.onnx`). The constants make every logit the same, which is printed; so the file has what weights
by a formula make of it (`ort_alexnet.numbers`).
"""
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from ort_alexnet import INPUT_SEED, numbers

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light/light_bvlc_alexnet.onnx"
INPUT, LOGITS, SHAPE = "data_0", "r24", (1, 3, 224, 224)
LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]


def run(model, x):
    model.graph.output.append(helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, (1, 1000)))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run([LOGITS], {INPUT: x})[0]


def with_weights(model):
    """The same graph, its constants replaced."""
    graph = model.graph
    shapes = {i.name: tuple(numpy_helper.to_array(i)) for i in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "ConstantOfShape"]:
        name, shape = node.output[0], shapes[node.input[0]]
        layer, kind, _ = name.split("_")
        seed = 2 * LAYERS.index(layer) + (kind == "b")
        scale = (6 / np.prod(shape[1:])) ** 0.5 / 1000 if kind == "w" else 1e-4
        values = numbers(int(np.prod(shape)), seed, scale).reshape(shape)
        graph.initializer.append(numpy_helper.from_array(values, name))
        graph.node.remove(node)
    return model


def main():
    count = int(np.prod(SHAPE))
    light = run(onnx.load(LIGHT), (np.arange(count) / count).astype(np.float32).reshape(SHAPE))
    print(f"with the light model's constants, of the input i / n: {light.min():.6e} to {light.max():.6e}")
    # so large that normalisation matters: Caffe's images go from -128 to 128
    logits = run(with_weights(onnx.load(LIGHT)), numbers(count, INPUT_SEED, 0.1).reshape(SHAPE))
    print(f"with a formula's weights: {logits.min():.3f} to {logits.max():.3f}")
    Path(sys.argv[1]).write_bytes(logits.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
