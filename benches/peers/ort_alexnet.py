"""AlexNet in onnxruntime beside the crate's: the same logits, and images per second in turn.

    cargo build --release --bin alexnet
    python3 benches/peers/ort_alexnet.py target/release/alexnet   # needs: pip install onnxruntime onnx numpy
    python3 benches/peers/ort_alexnet.py --golden tests/meaning/alexnet.f32

Weights and input are a formula's (`numbers`), so that `--golden` can write logits which a test of the crate compares
with its own, without onnxruntime and without 244 MB of weights.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

# name, outputs, inputs of a group, kernel, stride, padding, groups
CONVOLUTIONS = [
    ("conv1", 96, 3, 11, 4, 0, 1),
    ("conv2", 256, 48, 5, 1, 2, 2),
    ("conv3", 384, 256, 3, 1, 1, 1),
    ("conv4", 384, 192, 3, 1, 1, 2),
    ("conv5", 256, 192, 3, 1, 1, 2),
]
LINEAR = [("fc6", 4096, 9216), ("fc7", 4096, 4096), ("fc8", 1000, 4096)]
INPUT_SEED, ROUNDS = 100, 7


def numbers(count, seed, scale):
    """Of [-1, 1] times scale: a hash of the place, the same in any language."""
    at = (np.arange(count, dtype=np.uint64) + seed * 1_000_003).astype(np.uint32)
    at *= np.uint32(2654435761)
    at ^= at >> np.uint32(15)
    at *= np.uint32(0x85EBCA6B)
    at ^= at >> np.uint32(13)
    return (at.astype(np.int64) % 2001 - 1000).astype(np.float32) * np.float32(scale)


def weights():
    shapes = [(name, (o, i, k, k)) for name, o, i, k, *_ in CONVOLUTIONS] + [(n, (o, i)) for n, o, i in LINEAR]
    found = {}
    for seed, (name, shape) in enumerate(shapes):
        # uniform of deviation sqrt(2 / terms), so that values keep their size from layer to layer
        scale = (6 / np.prod(shape[1:])) ** 0.5 / 1000
        found[f"{name}.weight"] = numbers(np.prod(shape), 2 * seed, scale).reshape(shape)
        found[f"{name}.bias"] = numbers(shape[0], 2 * seed + 1, 1e-4)
    return found


def images(batch):
    return numbers(batch * 3 * 227 * 227, INPUT_SEED, 1e-3).reshape(batch, 3, 227, 227)


def session(weights):
    nodes, at = [], "input"

    def node(op, inputs, name, **attributes):
        nonlocal at
        nodes.append(helper.make_node(op, [at, *inputs], [name], **attributes))
        at = name

    for name, _, _, kernel, stride, padding, groups in CONVOLUTIONS:
        node("Conv", [f"{name}.weight", f"{name}.bias"], name, kernel_shape=[kernel] * 2, strides=[stride] * 2,
             pads=[padding] * 4, group=groups)
        node("Relu", [], f"{name}.relu")
        if name in ("conv1", "conv2"):
            # the paper's constants: alpha is not divided by the size there, as it is here
            node("LRN", [], f"{name}.norm", size=5, alpha=5e-4, beta=0.75, bias=2.0)
        if name in ("conv1", "conv2", "conv5"):
            node("MaxPool", [], f"{name}.pool", kernel_shape=[3, 3], strides=[2, 2])
    node("Flatten", [], "flat")
    for name, _, _ in LINEAR:
        node("Gemm", [f"{name}.weight", f"{name}.bias"], name if name != "fc8" else "logits", transB=1)
        if name != "fc8":
            node("Relu", [], f"{name}.relu")
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    tensors = [numpy_helper.from_array(w, name) for name, w in weights.items()]
    graph = helper.make_graph(nodes, "alexnet", [value("input", "n", 3, 227, 227)], [value("logits", "n", 1000)], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def write(path, tensors):
    """A safetensors file."""
    head, data, end = {}, [], 0
    for name, x in tensors.items():
        head[name] = {"dtype": "F32", "shape": x.shape, "data_offsets": [end, end := end + x.nbytes]}
        data.append(x.tobytes())
    head = json.dumps(head).encode()
    Path(path).write_bytes(b"".join([struct.pack("<Q", len(head)), head, *data]))


def read(path, name):
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    entry = json.loads(data[8:8 + length])[name]
    begin, end = (8 + length + at for at in entry["data_offsets"])
    return np.frombuffer(data[begin:end], np.float32).reshape(entry["shape"])


def compare(theirs, ours):
    """The largest difference over the largest logit."""
    return np.abs(theirs - ours).max() / np.abs(theirs).max()


def times(program, run):
    """Milliseconds a batch, in turn: (batch, onnxruntime, ours)."""
    for batch in (1, 16):
        x = images(batch)
        theirs, ours = [], []
        for _ in range(ROUNDS):
            run.run(None, {"input": x})
            for _ in range(3):
                start = time.perf_counter()
                run.run(None, {"input": x})
                theirs.append(1e3 * (time.perf_counter() - start))
            line = subprocess.run([program, "--batch", str(batch), "--device", "cpu"], check=True, capture_output=True, text=True)
            ours.append(batch * float(line.stdout.split("batch ")[1].split()[1]))
        yield batch, statistics.median(theirs), statistics.median(ours)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("program", nargs="?")
    args.add_argument("--golden", metavar="FILE")
    args = args.parse_args()
    known = weights()
    run = session(known)
    logits = run.run(None, {"input": images(1)})[0]
    if args.golden:
        Path(args.golden).write_bytes(logits.astype("<f4").tobytes())
    if not args.program:
        return
    with tempfile.TemporaryDirectory() as folder:
        w, x, y = (str(Path(folder) / f"{name}.safetensors") for name in "wxy")
        write(w, known)
        write(x, {"input": images(2)})
        subprocess.run([args.program, "--weights", w, "--input", x, "--output", y, "--device", "cpu"], check=True)
        print(f"logits differ by {compare(run.run(None, {'input': images(2)})[0], read(y, 'logits')):.1e}")
    for batch, theirs, ours in times(args.program, run):
        print(f"batch {batch}: onnxruntime {theirs:.1f} ms, warpsmith {ours:.1f} ms, ratio {theirs / ours:.2f}")


if __name__ == "__main__":
    main()
