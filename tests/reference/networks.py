"""Networks of the model, one example and one expert at a time, in float64 NumPy.

Written from the papers' equations alone; weights are plain arrays:
a perceptron is a list of (kernel, bias), a gate is a kernel.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Perceptron = Sequence[tuple[ArrayLike, ArrayLike]]


def softmax(scores: Array) -> Array:
    """Probabilities proportional to exp(scores)."""
    powers: Array = np.exp(scores - np.max(scores))
    return powers / float(powers.sum())


def perceptron(x: ArrayLike, layers: Perceptron) -> Array:
    """ReLU layers on one example."""
    h = np.asarray(x, np.float64)
    for kernel, bias in layers:
        h = np.maximum(0.0, h @ np.asarray(kernel, np.float64) + np.asarray(bias, np.float64))
    return h


def cross_full(x0: ArrayLike, layers: Perceptron) -> Array:
    """DCN-v2 Eq. 1, coordinate by coordinate: each kernel holds W transposed."""
    base = np.asarray(x0, np.float64)
    x = base.copy()
    for kernel, bias in layers:
        following = np.empty_like(x)
        for i in range(len(x)):
            weighted = sum(x[j] * np.asarray(kernel)[j, i] for j in range(len(x)))
            following[i] = base[i] * (weighted + np.asarray(bias)[i]) + x[i]
        x = following
    return x


def cross_low_rank(
    x0: ArrayLike, layers: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]]
) -> Array:
    """DCN-v2 Eq. 2 on one example; each layer is V (D, R), U transposed (R, D), b."""
    base = np.asarray(x0, np.float64)
    x = base
    for v, u_transposed, bias in layers:
        full = np.asarray(u_transposed, np.float64).T @ np.asarray(v, np.float64).T  # (D, D)
        x = base * (full @ x + np.asarray(bias, np.float64)) + x
    return x


def cross_mixture(
    x0: ArrayLike,
    x: ArrayLike,
    experts: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
    gate: ArrayLike,
) -> Array:
    """DCN-v2 Eq. 3 and 4 on one example; an expert is V (D, R), C (R, R), U (R, D), b (D,)."""
    base, current = np.asarray(x0, np.float64), np.asarray(x, np.float64)
    weights = softmax(current @ np.asarray(gate, np.float64))
    result = current.copy()
    for weight, (v, c, u, bias) in zip(weights, experts, strict=True):
        inner = np.tanh(np.tanh(current @ np.asarray(v)) @ np.asarray(c))
        result = result + weight * base * (inner @ np.asarray(u) + np.asarray(bias))
    return result


def mmoe(x: ArrayLike, experts: Sequence[Perceptron], gates: Sequence[ArrayLike]) -> list[Array]:
    """MMoE Eq. 6 and 7 on one example: what each task's tower reads."""
    outputs = [perceptron(x, expert) for expert in experts]
    results = []
    for gate in gates:
        weights = softmax(np.asarray(x, np.float64) @ np.asarray(gate, np.float64))
        results.append(np.sum([w * h for w, h in zip(weights, outputs, strict=True)], axis=0))
    return results


def ple_level(
    task_inputs: Sequence[ArrayLike],
    shared_input: ArrayLike,
    task_experts: Sequence[Sequence[Perceptron]],
    shared_experts: Sequence[Perceptron],
    task_gates: Sequence[ArrayLike],
    shared_gate: ArrayLike | None,
) -> list[Array]:
    """One extraction level of PLE on one example; the shared output comes last where it is."""
    shared = [perceptron(shared_input, expert) for expert in shared_experts]
    own = [
        [perceptron(x, expert) for expert in experts]
        for x, experts in zip(task_inputs, task_experts, strict=True)
    ]
    results = []
    for x, mine, gate in zip(task_inputs, own, task_gates, strict=True):
        weights = softmax(np.asarray(x, np.float64) @ np.asarray(gate, np.float64))
        results.append(sum(w * h for w, h in zip(weights, mine + shared, strict=True)))
    if shared_gate is not None:
        everyone = [h for mine in own for h in mine] + shared
        weights = softmax(np.asarray(shared_input, np.float64) @ np.asarray(shared_gate))
        results.append(sum(w * h for w, h in zip(weights, everyone, strict=True)))
    return results
