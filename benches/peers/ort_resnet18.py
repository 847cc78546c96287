"""ResNet-18's logits in onnxruntime, for the crate's to be compared with.

    python3 benches/peers/ort_resnet18.py tests/meaning/resnet18.f32   # needs: pip install onnxruntime onnx numpy

Weights and input are a formula's (`ort_alexnet.numbers`), so that a test of the crate has the same without 45 MB of weights.
"""
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from ort_alexnet import INPUT_SEED, numbers

CLASSES, SIDE = 1000, 64


def shapes():
    """torchvision's keys, but for the counts of batches."""
    found = {}

    def conv(name, outputs, inputs, side):
        found[f"{name}.weight"] = (outputs, inputs, side, side)

    def norm(name, channels):
        for key in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{key}"] = (channels,)

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    inputs = 64
    for stage, outputs in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"layer{stage}.{block}"
            conv(f"{name}.conv1", outputs, inputs, 3)
            norm(f"{name}.bn1", outputs)
            conv(f"{name}.conv2", outputs, outputs, 3)
            norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                conv(f"{name}.downsample.0", outputs, inputs, 1)
                norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    found["fc.weight"], found["fc.bias"] = (CLASSES, 512), (CLASSES,)
    return found


def weights():
    found = {}
    for seed, (key, shape) in enumerate(sorted(shapes().items())):
        count = int(np.prod(shape))
        if len(shape) > 1:
            values = numbers(count, seed, (6 / np.prod(shape[1:])) ** 0.5 / 1000)
        elif key.endswith(".weight"):
            values = np.float32(1) + numbers(count, seed, 3e-4)
        elif key.endswith(".running_var"):
            values = np.float32(1) + numbers(count, seed, 5e-4)
        else:
            values = numbers(count, seed, 1e-4)
        found[key] = values.reshape(shape)
    return found


def session(weights):
    nodes = []

    def node(op, inputs, name, **attributes):
        nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def conv(x, name, stride, relu=False):
        norm = name.replace("conv", "bn") if "conv" in name else name[:-1] + "1"
        side = weights[f"{name}.weight"].shape[2]
        x = node("Conv", [x, f"{name}.weight"], name, kernel_shape=[side] * 2, strides=[stride] * 2, pads=[side // 2] * 4)
        of_norm = [f"{norm}.{key}" for key in ("weight", "bias", "running_mean", "running_var")]
        x = node("BatchNormalization", [x, *of_norm], norm, epsilon=1e-5)
        return node("Relu", [x], f"{norm}.relu") if relu else x

    x = conv("input", "conv1", 2, relu=True)
    x = node("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage in range(1, 5):
        for block in (0, 1):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            body = conv(conv(x, f"{name}.conv1", stride, relu=True), f"{name}.conv2", 1)
            past = conv(x, f"{name}.downsample.0", stride) if stride == 2 else x
            x = node("Relu", [node("Add", [body, past], f"{name}.sum")], name)
    x = node("Flatten", [node("GlobalAveragePool", [x], "avgpool")], "flat")
    node("Gemm", [x, "fc.weight", "fc.bias"], "logits", transB=1)
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    tensors = [numpy_helper.from_array(w, name) for name, w in weights.items()]
    graph = helper.make_graph(nodes, "resnet18", [value("input", 1, 3, SIDE, SIDE)], [value("logits", 1, CLASSES)], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def main():
    x = numbers(3 * SIDE * SIDE, INPUT_SEED, 1e-3).reshape(1, 3, SIDE, SIDE)
    logits = session(weights()).run(None, {"input": x})[0]
    print(f"logits from {logits.min():.3f} to {logits.max():.3f}, deviation {logits.std():.3f}")
    Path(sys.argv[1]).write_bytes(logits.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
