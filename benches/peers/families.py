"""The families of `times cpu` in numpy and in onnxruntime, the faster of the two beside each line.

    cargo bench --bench times -- cpu > ours.jsonl
    python3 benches/peers/families.py ours.jsonl          # needs: pip install onnxruntime onnx numpy

Outputs are made beforehand, as many threads as there are cores (numpy has one), medians of warm runs.
"""
import functools
import json
import os
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from ort_ops import median_ms

def places(shape):
    """Indices as `times` makes them."""
    return (np.arange(np.prod(shape)) * 7919 % shape[0]).reshape(shape)


@functools.cache
def square(shape):
    return places(shape)


def elements(x):
    return square(x.shape)


# name -> numpy on (x, y), onnx node as (op, attributes, constant inputs), shape of the output
FAMILIES = {
    "exp": (lambda x, y: np.exp(x, out=y), ("Exp", {}, [])),
    "log": (lambda x, y: np.log(x, out=y), ("Log", {}, [])),
    "gelu": (None, ("Gelu", {}, [])),
    "add_row": (lambda x, y: np.add(x, x[0], out=y), ("Add", {}, [lambda x: x[0].copy()])),
    "add_column": (lambda x, y: np.add(x, x[:, :1], out=y), ("Add", {}, [lambda x: x[:, :1].copy()])),
    "sum_all": (lambda x, y: np.sum(x, out=y), ("ReduceSum", {"keepdims": 0}, [])),
    "sum_rows": (lambda x, y: np.sum(x, axis=1, out=y), ("ReduceSum", {"keepdims": 0}, [lambda x: np.array([1])])),
    "sum_columns": (lambda x, y: np.sum(x, axis=0, out=y), ("ReduceSum", {"keepdims": 0}, [lambda x: np.array([0])])),
    "max_all": (lambda x, y: np.max(x, out=y), ("ReduceMax", {"keepdims": 0}, [])),
    "max_rows": (lambda x, y: np.max(x, axis=1, out=y), ("ReduceMax", {"keepdims": 0}, [lambda x: np.array([1])])),
    "max_columns": (lambda x, y: np.max(x, axis=0, out=y), ("ReduceMax", {"keepdims": 0}, [lambda x: np.array([0])])),
    "permute": (lambda x, y: np.copyto(y, x.transpose(0, 2, 3, 1)), ("Transpose", {"perm": [0, 2, 3, 1]}, [])),
    "index_select": (lambda x, y: np.take(x, places(x.shape[:1]), axis=0, out=y), ("Gather", {"axis": 0}, [lambda x: places(x.shape[:1])])),
    "gather": (lambda x, y: np.copyto(y, np.take_along_axis(x, elements(x), axis=1)), ("GatherElements", {"axis": 1}, [elements])),
    "cumsum": (lambda x, y: np.cumsum(x, axis=1, out=y), ("CumSum", {}, [lambda x: np.array(1)])),
    "cat": (lambda x, y: np.concatenate((x, x), axis=1, out=y), ("Concat", {"axis": 1}, [lambda x: x])),
}


def output(name, shape):
    if name.endswith("_all"):
        return []
    if name.endswith("_rows"):
        return shape[:1]
    if name.endswith("_columns"):
        return shape[1:]
    return {"permute": [shape[0], *shape[2:], shape[1]] if len(shape) == 4 else shape, "cat": [shape[0], shape[-1] * 2]}.get(name, shape)


def session(x, out, op, attributes, constants):
    inputs = [x, *(constant(x) for constant in constants)]
    kinds = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("int64"): TensorProto.INT64}
    names = [f"x{i}" for i in range(len(inputs))]
    infos = [helper.make_tensor_value_info(n, kinds[i.dtype], i.shape) for n, i in zip(names, inputs)]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, out)
    # axes are known when a graph is built; other operands are not
    fixed = [numpy_helper.from_array(i, n) for n, i in zip(names, inputs) if i.dtype == np.int64]
    infos = [info for info, i in zip(infos, inputs) if i.dtype != np.int64]
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], op, infos, [result], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 9
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    made = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = made.io_binding()
    for name, i in zip(names, inputs):
        if i.dtype != np.int64:
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(i)))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(np.zeros(out, np.float32)))
    return lambda: made.run_with_iobinding(binding)


def main():
    rng = np.random.default_rng(1)
    for line in map(json.loads, open(sys.argv[1])):
        if line["name"] not in FAMILIES:
            continue
        in_numpy, node = FAMILIES[line["name"]]
        shape = [int(n) for n in line["shape"].split("x")]
        x = rng.uniform(0.1, 2.0, shape).astype(np.float32)
        out = output(line["name"], shape)
        y = np.zeros(out, np.float32)
        times = {"onnxruntime": median_ms(session(x, out, *node))}
        if in_numpy:
            times["numpy"] = median_ms(lambda: in_numpy(x, y))
        peer = min(times, key=times.get)
        ratio = round(times[peer] / line["ms"], 2)
        print(json.dumps({"name": line["name"], "shape": line["shape"], "ms": line["ms"], **times, "peer": peer, "warpsmith_is_faster_by": ratio}), flush=True)


if __name__ == "__main__":
    main()
