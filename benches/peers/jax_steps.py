"""The same training steps as `times cpu`, in JAX (XLA): reads its JSON lines, prints JSON lines.

    cargo bench --bench times -- cpu > ours.jsonl
    python3 benches/peers/jax_steps.py ours.jsonl          # needs: pip install jax

One compiled step: forward, loss, gradients, Adam. XLA takes as many threads as there are cores.
"""
import json
import statistics
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def linear(x, layer):
    return x @ layer["w"].T + layer["b"]


def conv(x, layer, padding):
    dims = ("NCHW", "OIHW", "NCHW")
    y = lax.conv_general_dilated(x, layer["w"], (1, 1), [(padding, padding)] * 2, dimension_numbers=dims)
    return y + layer["b"][:, None, None]


def halve(x):
    return lax.reduce_window(x, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4


def lenet(layers, x):
    x = halve(jax.nn.relu(conv(x, layers[0], 2)))
    x = halve(jax.nn.relu(conv(x, layers[1], 0))).reshape(len(x), -1)
    for layer in layers[2:4]:
        x = jax.nn.relu(linear(x, layer))
    return linear(x, layers[4])


def spiral(layers, x):
    return linear(jax.nn.relu(linear(x, layers[0])), layers[1])


NETWORKS = {
    "lenet_step": (lenet, [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]),
    "spiral_step": (spiral, [(100, 2), (3, 100)]),
}


def adam(p, g, m, v, t, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    return p - lr * (m / (1 - b1**t)) / (jnp.sqrt(v / (1 - b2**t)) + eps), m, v


def step(network):
    def loss(layers, x, labels):
        log_p = jax.nn.log_softmax(network(layers, x))
        return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], 1))

    def run(layers, m, v, t, x, labels):
        value, grads = jax.value_and_grad(loss)(layers, x, labels)
        flat, tree = jax.tree.flatten(layers)
        each = [adam(*of, t) for of in zip(flat, *map(jax.tree.leaves, (grads, m, v)))]
        return value, *(jax.tree.unflatten(tree, part) for part in zip(*each))
    return jax.jit(run, donate_argnums=(0, 1, 2))


def median_ms(name, shape, runs=7, seconds=1.0):
    network, weights = NETWORKS[name]
    rng = np.random.default_rng(1)
    make = lambda s: jnp.asarray(rng.standard_normal(s, np.float32) * np.float32(np.prod(s[1:]) ** -0.5))
    layers = [{"w": make(s), "b": jnp.zeros(s[0])} for s in weights]
    m, v = (jax.tree.map(jnp.zeros_like, layers) for _ in range(2))
    x = jnp.asarray(rng.standard_normal(shape, np.float32))
    labels = jnp.arange(shape[0]) % weights[-1][0]
    run, samples, begin = step(network), [], None
    for t in range(1, 1_000_000):
        start = time.perf_counter()
        value, layers, m, v = run(layers, m, v, jnp.float32(t), x, labels)
        value.block_until_ready(), jax.block_until_ready(layers)
        if t > 3:
            begin = begin or start
            samples.append((time.perf_counter() - start) * 1e3)
            if len(samples) >= runs and time.perf_counter() - begin > seconds:
                return statistics.median(samples)


def main():
    for text in open(sys.argv[1]):
        line = json.loads(text)
        if line["name"] in NETWORKS:
            ms = median_ms(line["name"], [int(n) for n in line["shape"].split("x")])
            ratio = round(ms / line["ms"], 2)
            print(json.dumps(line | {"peer": "jax", "ms": ms, "warpsmith_is_faster_by": ratio}), flush=True)


if __name__ == "__main__":
    main()
