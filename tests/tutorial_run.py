"""The one-dimensional tutorial GAN in plain NumPy: a History that depends on no other module."""

from __future__ import annotations

import numpy as np

from gan_teach.history import History


def sigmoid(t):
    return 0.5 * (1 + np.tanh(t / 2))


def run(steps: int = 60, lr: float = 0.1, blow_up: int | None = None, seed: int = 0) -> History:
    """Alternating descent of G(z) = w z + b against D(x) = sigmoid(a x + c), derivatives by hand.

    From step ``blow_up`` on, every recorded number is NaN, as after a divergence.
    """
    rng = np.random.default_rng(seed)
    x, z = rng.normal(5, 1, 10), rng.uniform(0, 1, 10)
    grid = np.linspace(0, 8, 81)
    p = np.array([0.1, 0.0, 0.05, 0.0])  # w, b, a, c
    rows: dict[str, list] = {}
    for step in range(steps + 1):
        d_grad = g_grad = np.nan
        if step:
            w, b, a, c = p
            real, fake = 1 - sigmoid(a * x + c), sigmoid(a * (w * z + b) + c)
            up = np.array([(real * x - fake * (w * z + b)).mean(), (real - fake).mean()])
            p[2:] += lr * up
            fake = sigmoid(p[2] * (w * z + b) + p[3])
            down = -p[2] * np.array([(fake * z).mean(), fake.mean()])
            p[:2] -= lr * down
            d_grad, g_grad = np.linalg.norm(up), np.linalg.norm(down)
        for name, value in measure(p, x, z, grid, d_grad, g_grad).items():
            bad = blow_up is not None and step >= blow_up
            rows.setdefault(name, []).append(np.full_like(value, np.nan) if bad else value)
    static = {"grid": grid, "latent": z, "real": x, "real_density": normal(grid, 5, 1)}
    meta = {"title": "Balanced players", "d_steps": 1, "g_steps": 1, "loss": "saturating"}
    return History(np.arange(steps + 1), {k: np.array(v) for k, v in rows.items()}, static, meta)


def normal(x, mean, std):
    return np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))


def measure(p, x, z, grid, d_grad, g_grad) -> dict[str, np.ndarray]:
    w, b, a, c = p
    fake = w * z + b
    d_real, d_fake = sigmoid(a * x + c), sigmoid(a * fake + c)
    value = np.log(d_real).mean() + np.log1p(-d_fake).mean()
    q = ((grid >= min(b, b + w)) & (grid <= max(b, b + w))) / max(abs(w), 1e-12)
    density = normal(grid, 5, 1)
    return {
        "params": p.copy(),
        "fake": fake,
        "d_grid": sigmoid(a * grid + c),
        "d_star": density / (density + q),
        "objective": np.array(value),
        "d_loss": np.array(-value),
        "g_loss": np.log1p(-d_fake).mean(),
        "d_grad": np.array(d_grad),
        "g_grad": np.array(g_grad),
        "d_real": d_real.mean(),
        "d_fake": d_fake.mean(),
        "eigenvalues": np.linalg.eigvalsh(hessian(p, x, z)),
    }


def hessian(p, x, z):
    """Second derivatives of V in (w, b, a, c)."""
    w, b, a, c = p
    h = np.zeros((4, 4))
    for xi in x:
        s = sigmoid(a * xi + c)
        v = np.array([0, 0, xi, 1.0])
        h -= s * (1 - s) * np.outer(v, v) / len(x)
    for zi in z:
        g = w * zi + b
        s = sigmoid(a * g + c)
        v = np.array([a * zi, a, g, 1.0])
        h -= s * (1 - s) * np.outer(v, v) / len(z)
        cross = np.zeros((4, 4))
        cross[0, 2] = cross[2, 0] = zi
        cross[1, 2] = cross[2, 1] = 1
        h -= s * cross / len(z)
    return h
