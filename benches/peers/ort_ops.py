"""The same work as `times cpu`, in onnxruntime: reads its JSON lines, times each op it knows, prints JSON lines.

    cargo bench --bench times -- cpu > ours.jsonl
    python3 benches/peers/ort_ops.py ours.jsonl          # needs: pip install onnxruntime onnx numpy

One-node graphs with inputs and outputs bound beforehand, as many threads as there are cores, medians of warm runs.
"""
import json
import os
import statistics
import sys
import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

OPS = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "transpose": ("Transpose", {"perm": [1, 0]}),
    "lrn": ("LRN", {"size": 5, "alpha": 1e-4, "beta": 0.75, "bias": 1.0}),
    "tanh": ("Tanh", {}),
    "max_pool2d": ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "conv2d": ("Conv", {}),
    "add": ("Add", {}),
    "matmul": ("MatMul", {}),
}


def runner(op, inputs, out_shape, attributes):
    names = [f"x{i}" for i in range(len(inputs))]
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, inputs)]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, out_shape)
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], op, infos, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for name, x in zip(names, inputs):
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros(out_shape, np.float32)))
    return lambda: session.run_with_iobinding(binding)


def median_ms(run, runs=7, seconds=0.4):
    run()
    run()
    samples, begin = [], time.perf_counter()
    while len(samples) < runs or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        samples.append((time.perf_counter() - start) * 1e3)
    return statistics.median(samples)


def main():
    rng = np.random.default_rng(1)
    for text in open(sys.argv[1]):
        line = json.loads(text)
        if line["name"] not in OPS or line["dtype"] != "f32":
            continue
        op, attributes = OPS[line["name"]]
        shape = [int(n) for n in line["shape"].split("x")]
        shapes, out = [shape], shape
        if line["name"] == "matmul":
            m, n, k = shape
            shapes, out = [[m, k], [k, n]], [m, n]
        elif line["name"] == "conv2d":
            n, c, side, o, kernel, stride, padding, groups = shape
            places = (side + 2 * padding - kernel) // stride + 1
            shapes, out = [[n, c, side, side], [o, c // groups, kernel, kernel], [o]], [n, o, places, places]
            attributes = {"strides": [stride] * 2, "pads": [padding] * 4, "group": groups}
        elif line["name"] == "max_pool2d":
            out = shape[:2] + [(side - 3) // 2 + 1 for side in shape[2:]]
        elif line["name"] == "add":
            shapes = [shape, shape]
        elif line["name"] == "transpose":
            out = shape[::-1]
        inputs = [rng.standard_normal(s, dtype=np.float32) for s in shapes]
        ms = median_ms(runner(op, inputs, out, attributes))
        rates = {unit: line[unit] * line["ms"] / ms for unit in ("gbs", "gflops") if unit in line}
        ratio = ms / line["ms"]
        print(json.dumps(line | rates | {"peer": "onnxruntime", "ms": ms, "warpsmith_is_faster_by": round(ratio, 2)}), flush=True)


if __name__ == "__main__":
    main()
