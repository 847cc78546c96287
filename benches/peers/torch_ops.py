"""The same work as `times cuda`, in PyTorch: reads its JSON lines, times each op it knows, prints JSON lines.

    python3 torch_ops.py OURS.jsonl > THEIRS.jsonl

Medians of 30 samples of 10 launches between events, warm, over inputs that rotate past the L2 cache; outputs are
preallocated where PyTorch lets one say so. float32 matmuls run without tf32 unless the line's type is tf32.
"""
import json
import statistics
import sys

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "tf32": torch.float32}
SAMPLES, LAUNCHES, CACHES, MOST_SETS = 30, 10, 4, 64


def randn(shape, dtype):
    return torch.randn(shape, device="cuda").to(dtype)


def unary(fn):
    def make(shape, dtype):
        x = randn(shape, dtype)
        y = torch.empty_like(x)
        return lambda: fn(x, y)
    return make


def backward(fn):
    """fn(grad, saved) of two tensors of one shape."""
    def make(shape, dtype):
        grad, saved = randn(shape, dtype), torch.softmax(randn(shape, dtype), -1)
        return lambda: fn(grad, saved)
    return make


def matmul(shape, dtype):
    m, n, k = shape
    a, b = randn((m, k), dtype), randn((k, n), dtype)
    c = torch.empty(m, n, device="cuda", dtype=dtype)
    return lambda: torch.mm(a, b, out=c)


def cross_entropy(shape, dtype):
    x = randn(shape, dtype)
    labels = torch.randint(shape[1], (shape[0],), device="cuda")
    return lambda: F.cross_entropy(x, labels)


def lrn(shape, dtype):
    x = randn(shape, dtype)
    return lambda: F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)


def conv2d(shape, dtype):
    n, inputs, side, outputs, kernel, stride, padding, groups = shape
    x, w = randn((n, inputs, side, side), dtype), randn((outputs, inputs // groups, kernel, kernel), dtype)
    bias = randn((outputs,), dtype)
    return lambda: F.conv2d(x, w, bias, stride, padding, groups=groups)


def max_pool2d(shape, dtype):
    x = randn(shape, dtype)
    return lambda: F.max_pool2d(x, 3, 2)


def dropout(shape, dtype):
    x = randn(shape, dtype)
    return lambda: F.dropout(x, 0.5, training=True)


def transpose(shape, dtype):
    x = randn(shape, dtype)
    y = torch.empty(shape[::-1], device="cuda", dtype=dtype)
    return lambda: y.copy_(x.t())


def optimizer(cls, **options):
    def make(shape, dtype):
        p = torch.nn.Parameter(randn(shape, dtype))
        p.grad = randn(shape, dtype)
        step = cls([p], fused=True, **options)
        return step.step
    return make


class LRN(torch.nn.LocalResponseNorm):
    """The paper's constants."""

    def __init__(self):
        super().__init__(5, alpha=5e-4, beta=0.75, k=2.0)


def alexnet():
    nn = torch.nn
    pool = lambda: nn.MaxPool2d(3, 2)
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, 4), nn.ReLU(), LRN(), pool(),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), LRN(), pool(),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), pool(),
        nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 1000)).cuda()


def lenet():
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)).cuda()


def spiral():
    nn = torch.nn
    return nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 3)).cuda()


def forward(network):
    def make(shape, dtype):
        model, x = network().eval(), randn(shape, dtype)
        return lambda: model(x)
    return make


def step(network, classes, optimizer, **options):
    """Forward, loss, backward, fused optimizer."""
    def make(shape, dtype):
        # main's inference mode would leave nothing to train
        with torch.inference_mode(False):
            model, x = network().train(), randn(shape, dtype)
            labels = torch.arange(shape[0], device="cuda") % classes
            change = optimizer(model.parameters(), fused=True, **options)

        def run():
            with torch.inference_mode(False):
                change.zero_grad(set_to_none=True)
                F.cross_entropy(model(x), labels).backward()
                change.step()
        return run
    return make


OPS = {
    "alexnet": forward(alexnet),
    "alexnet_step": step(alexnet, 1000, torch.optim.SGD, lr=1e-2, momentum=0.9, weight_decay=5e-4),
    "lenet_step": step(lenet, 10, torch.optim.Adam, lr=1e-3),
    "spiral_step": step(spiral, 3, torch.optim.Adam, lr=1e-3),
    "copy": unary(lambda x, y: y.copy_(x)),
    "relu": unary(lambda x, y: torch.clamp_min(x, 0, out=y)),
    "relu_backward": backward(lambda g, y: torch.ops.aten.threshold_backward(g, y, 0)),
    "sigmoid": unary(lambda x, y: torch.sigmoid(x, out=y)),
    "sigmoid_backward": backward(torch.ops.aten.sigmoid_backward),
    "tanh": unary(lambda x, y: torch.tanh(x, out=y)),
    "tanh_backward": backward(torch.ops.aten.tanh_backward),
    "dropout": dropout,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "softmax": unary(lambda x, y: torch.softmax(x, -1, out=y)),
    "log_softmax": unary(lambda x, y: torch.log_softmax(x, -1, out=y)),
    "softmax_backward": backward(lambda g, y: torch.ops.aten._softmax_backward_data(g, y, -1, y.dtype)),
    "cross_entropy": cross_entropy,
    "lrn": lrn,
    "transpose": transpose,
    "column_sum": lambda s, d: (lambda x: lambda: torch.sum(x, 0))(randn(s, d)),
    "sum": lambda s, d: (lambda x: lambda: torch.sum(x))(randn(s, d)),
    "argmax": lambda s, d: (lambda x: lambda: torch.argmax(x, 1))(randn(s, d)),
    "add": lambda s, d: (lambda a, b, y: lambda: torch.add(a, b, out=y))(randn(s, d), randn(s, d), randn(s, d)),
    "sgd": optimizer(torch.optim.SGD, lr=1e-3, momentum=0.9),
    "adam": optimizer(torch.optim.Adam, lr=1e-3),
    "matmul": matmul,
}


def time(make, line):
    shape = [int(n) for n in line["shape"].split("x")]
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    sets = max(1, min(MOST_SETS, CACHES * cache // max(1, line["footprint"])))
    work = [make(shape, DTYPES[line["dtype"]]) for _ in range(sets)]
    for run in work:
        run()
    samples, at = [], 0
    for _ in range(SAMPLES):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(LAUNCHES):
            work[at]()
            at = (at + 1) % sets
        end.record()
        end.synchronize()
        samples.append(start.elapsed_time(end) / LAUNCHES)
    return statistics.median(samples)


def main():
    for text in open(sys.argv[1]):
        line = json.loads(text)
        if line["name"] not in OPS:
            continue
        torch.backends.cuda.matmul.allow_tf32 = line["dtype"] == "tf32"
        torch.backends.cudnn.allow_tf32 = line["dtype"] == "tf32"
        try:
            ms = time(OPS[line["name"]], line)
        except Exception as error:  # one op that this PyTorch lacks must not cost the others
            print(f"{line['name']} {line['shape']} {line['dtype']}: {error}", file=sys.stderr)
            continue
        rates = {unit: line[unit] * line["ms"] / ms for unit in ("gbs", "gflops") if unit in line}
        print(json.dumps(line | rates | {"peer": "torch", "ms": ms}), flush=True)


if __name__ == "__main__":
    with torch.inference_mode():
        main()
