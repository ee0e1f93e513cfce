"""The update rules, each with its formula and its source.

First descent: simultaneous, alternating, negative momentum, and weight clipping around any rule.
The gradient of a player's loss is taken with the other player frozen where only one of them moves:
same value, and no graph through the frozen network.

Then rules that look ahead or back: extragradient, its past, optimistic, lookahead-minmax, Heun's.
An optimizer is a map (w, state, gradient) -> (w, state). Where a formula has w - eta F, the rule
uses the map of the optimizer at hand; with SGD that is the formula as printed.

At last rules that bend the field by its Jacobian: consensus optimization, symplectic adjustment.
J^T F is the gradient of <F, v> at v = F held fixed: one backward pass through the gradients, J F
takes another, and no matrix is ever formed. The bent gradient goes to the optimizer as if it were
the gradient. F itself is not scaled by tau.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.derivatives import exact
from gan_teach.dynamics.base import (
    DrawFn,
    Grads,
    Memory,
    Rule,
    Seen,
    UpdateRule,
    Wrapping,
    copies,
    excursion,
    gradient,
    gradients,
    memory_of,
    parameters,
    put,
    split,
)
from gan_teach.dynamics.optim import SGD, Optimizers, Watched, latest, like
from gan_teach.games.base import Batch, Game, frozen


@dataclass(repr=False, eq=False)
class Simultaneous(Rule):
    """Simultaneous gradient descent: w <- w - lr F(w), F = (dL_G/dG, dL_D/dD).

    Both gradients at the same point and batch, then both steps. On min-max xy its iterates grow by
    sqrt(1 + lr^2) a step (Mescheder et al., 2017).
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        g_grads, d_grads, seen = gradients(game, draw())
        optims.step(g_grads, d_grads)
        return seen


@dataclass(repr=False, eq=False)
class Alternating(Rule):
    """Alternating gradient descent: ``d_steps`` times w_D <- w_D - lr_D dL_D/dD, then ``g_steps``
    times w_G <- w_G - lr_G dL_G/dG, each at the newest point (Goodfellow et al., 2014, algorithm
    1).

    In an ensemble both numbers may be sequences, one entry per member. ``first`` is the player that
    begins a round: "d", as published, or "g". ``d_every=2`` lets D move on even steps only.

    ``redraw="all"`` gives every inner update a batch of its own. ``redraw="latents"`` is the scheme
    of the 1-D tutorial: the D updates share one batch, real samples and noise serve the whole
    round, and only the latents are new for each G update. ``redraw="none"`` uses one batch, latents
    included, in all updates of the round, and makes the samples that they share only once.

    Raises ValueError for negative counts and for other words.
    """

    d_steps: int | Sequence[int] = 1
    g_steps: int | Sequence[int] = 1
    redraw: str = "all"
    d_every: int = 1
    first: str = "d"

    def __post_init__(self) -> None:
        self.d_steps = _counts("d_steps", self.d_steps)
        self.g_steps = _counts("g_steps", self.g_steps)
        _checks.choice("first", self.first, ("d", "g"))
        _checks.choice("redraw", self.redraw, ("all", "latents", "none"))
        _checks.whole("d_every", self.d_every, least=1)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        seen: Seen = {}
        shared = None if self.redraw == "all" else draw("d", 0)
        fake = None  # G(z) of the shared batch, with a graph if G's first update can use it
        if shared is not None and (self.first == "d" or self.redraw == "none"):
            with torch.set_grad_enabled(self.redraw == "none"):
                fake = game.fakes(shared)

        def update_d() -> None:
            # Where D comes first, G has not moved since it made the shared samples.
            constant = None if fake is None or self.first == "g" else fake.detach()
            for i, active in _inner_updates(self.d_steps, game.lead):
                with frozen(optims.g.params):
                    loss = game.loss_d(shared or draw("d", i), constant)
                    grads = gradient(loss, optims.d.params)
                optims.step_d(grads, active)
                seen["d_loss"] = latest(seen.get("d_loss"), loss.detach(), active)

        def update_g() -> None:
            for i, active in _inner_updates(self.g_steps, game.lead):
                batch = shared if shared and self.redraw == "none" else draw("g", i)
                if shared and self.redraw == "latents":
                    batch = shared._replace(latent=batch.latent)
                with frozen(optims.d.params):
                    loss = game.loss_g(batch, fake if self.redraw == "none" and i == 0 else None)
                    grads = gradient(loss, optims.g.params)
                optims.step_g(grads, active)
                seen["g_loss"] = latest(seen.get("g_loss"), loss.detach(), active)

        if self.first == "g":
            update_g()
        if draw.step % self.d_every == 0:
            update_d()
        if self.first == "d":
            update_g()
        return seen


@dataclass(repr=False, eq=False)
class NegativeMomentum(Rule):
    """Alternating descent, one step each, with momentum that pulls back (Gidel et al., 2019b).

    u <- beta u + grad, w <- w - eta u for D, then for G at D's new point (*Negative momentum for
    improved game dynamics*, section 4). rho is the largest root, in magnitude, of
    (s - 1)^2 (s - beta)^2 + eta^2 s^3 = 0: below 1 for a small eta and beta = -1/2. With ``beta=0``
    it is ``alternating()``.

    u goes to the optimizer as the gradient. Raises ValueError unless -1 < beta <= 1.
    """

    beta: float = -0.5

    def __post_init__(self) -> None:
        self.beta = _checks.real("beta", self.beta, above=-1.0, most=1.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        def pulled(player: str, grads: Sequence[Tensor], active: Tensor | None) -> None:
            past = memory.get(player) or [torch.zeros_like(g) for g in grads]
            velocity = [self.beta * u + g for u, g in zip(past, grads, strict=True)]
            memory[player] = copies(velocity)
            optims.move(player, velocity, active)

        return Alternating()(game, draw, Watched(optims, pulled))


@dataclass(repr=False, eq=False)
class WeightClipping(Wrapping):
    """Weight clipping: after each update of D, w_D <- clip(w_D, -bound, bound).

    Arjovsky et al. (2017, algorithm 1), who bound the critic's slope so. ``inner`` is
    ``alternating()`` unless given; for rules that move the players past the optimizers (optimistic,
    lookahead) D is clipped once more at the end. Raises ValueError unless bound > 0.
    """

    bound: float = 0.01
    inner: UpdateRule = field(default_factory=Alternating)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bound = _checks.real("bound", self.bound, above=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        def clipped(player: str, grads: Sequence[Tensor], active: Tensor | None) -> None:
            optims.move(player, grads, active)
            if player == "d":
                _clip(game.d_params, self.bound)

        seen = self.inner(game, draw, Watched(optims, clipped), *memory_of(self.inner, memory))
        _clip(game.d_params, self.bound)
        return seen


@torch.no_grad()
def _clip(params: Sequence[Tensor], bound: float) -> None:
    for p in params:
        p.clamp_(-bound, bound)


def _counts(name: str, value: int | Sequence[int]) -> int | list[int]:
    if isinstance(value, Sequence):
        return [_checks.whole(name, v) for v in value]
    return _checks.whole(name, value)


def _inner_updates(
    count: int | Sequence[int], lead: tuple[int, ...]
) -> Iterator[tuple[int, Tensor | None]]:
    """Inner update number and mask (None when every member takes part)."""
    if isinstance(count, int):
        yield from ((i, None) for i in range(count))
        return
    counts = torch.tensor(_checks.of_members("d_steps or g_steps", count, lead))
    for i in range(max(count)):
        active = counts > i
        yield i, None if bool(active.all()) else active


@dataclass(repr=False, eq=False)
class Extragradient(Rule):
    """Extragradient: step to w' = w - eta F(w), come back, and step with the gradient found there.

    w <- w - eta F(w - eta F(w)) (Korpelevich, 1976; Gidel et al., 2019, section 3.2).
    rho = sqrt(1 - eta^2 + eta^4), below 1 for eta < 1. Two gradients a step.

    Both half-steps use one batch. The way to w' is a step of the optimizer whose state is put back
    with the parameters, so that Adam's averages hold one gradient per step, the one at w' (in the
    published ExtraAdam, Gidel et al., 2019, algorithm 4, they hold both).
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        batch = draw()
        g_here, d_here, seen = gradients(game, batch)
        with excursion(game, optims):
            optims.g.step(g_here)
            optims.d.step(d_here)
            g_ahead, d_ahead, _ = gradients(game, batch)
        optims.step(g_ahead, d_ahead)
        return seen


@dataclass(repr=False, eq=False)
class PastExtragradient(Rule):
    """Extragradient with the gradient of the last look-ahead: one gradient a step (Popov, 1980).

    w' = w - eta F(w'_previous); w <- w - eta F(w'). Its w' are the iterates of ``optimistic``.
    rho = sqrt((1 + sqrt(1 - 4 eta^2)) / 2) up to eta = 1/2; it diverges above 1 / sqrt(3).

    Before the first step the remembered gradient is zero, so w' = w there. The way to w' is a step
    of the optimizer that is put back, state included.
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        with excursion(game, optims):
            if "previous" in memory:
                g_past, d_past = split(game, memory["previous"])
                optims.g.step(g_past)
                optims.d.step(d_past)
            g_ahead, d_ahead, seen = gradients(game, draw())
        memory["previous"] = copies([*g_ahead, *d_ahead])
        optims.step(g_ahead, d_ahead)
        return seen


@dataclass(repr=False, eq=False)
class Optimistic(Rule):
    """Optimistic gradient descent-ascent (OGDA, also called OMD).

    w <- w - 2 eta F(w) + eta F(w_previous) (Daskalakis et al., 2018, section 2).
    rho = sqrt((1 + sqrt(1 - 4 eta^2)) / 2) up to eta = 1/2; it diverges above 1 / sqrt(3).

    In general the optimizer's update u = -eta F counts twice and the previous one is taken back
    once, w <- w + 2 u - u_previous: with Adam this is Optimistic Adam (their algorithm 1). Before
    the first step the previous update is zero.
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        params = parameters(game)
        g_grads, d_grads, seen = gradients(game, draw())
        before = copies(params)
        optims.step(g_grads, d_grads)
        with torch.no_grad():
            update = [p - b for p, b in zip(params, before, strict=True)]
            past = memory.get("previous", [0.0] * len(params))
            for p, u, u_past in zip(params, update, past, strict=True):
                p += u - u_past
        memory["previous"] = update
        return seen


@dataclass(repr=False, eq=False)
class Lookahead(Wrapping):
    """Lookahead-minmax: every ``k`` steps of the rule ``inner`` go back part of the way.

    slow <- slow + alpha (w - slow), w <- slow, for both players together (Chavdarova et al., 2021,
    algorithm 1). ``inner`` is ``simultaneous()`` unless given; its optimizer state is left alone.
    rho = |1 - alpha + alpha (1 + i eta)^k|^(1/k) around simultaneous steps: a large k eta diverges.
    Raises ValueError for k < 1 or alpha outside [0, 1].
    """

    inner: UpdateRule = field(default_factory=Simultaneous)
    k: int = 5
    alpha: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.k = _checks.whole("k", self.k, least=1)
        self.alpha = _checks.real("alpha", self.alpha, least=0.0, most=1.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        params = parameters(game)
        if not memory:
            memory.update(slow=copies(params), taken=0, inner={})
        seen = self.inner(game, draw, optims, *memory_of(self.inner, memory["inner"]))
        memory["taken"] += 1
        if memory["taken"] >= self.k:
            here = zip(memory["slow"], copies(params), strict=True)
            memory["slow"], memory["taken"] = [s.lerp(fast, self.alpha) for s, fast in here], 0
            put(params, memory["slow"])
        return seen


@dataclass(repr=False, eq=False)
class Heun(Rule):
    """Heun's method: w' = w - eta F(w), w <- w - eta (F(w) + F(w')) / 2 (RK2 of Qin et al., 2020,
    ODE-GAN).

    rho = sqrt(1 + eta^4 / 4): it diverges, but far more slowly than descent. Two gradients a step,
    from one batch. The penalty of their algorithm 1 is left out.

    w' is reached along the flow, with each player's learning rate as the time step; the mean slope
    then goes to the optimizer as its gradient (with Adam the step is a smoothed one).
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        batch = draw()
        g_here, d_here, seen = gradients(game, batch)
        with excursion(game, optims):
            SGD(optims.g.params, optims.g.lr).step(g_here)
            SGD(optims.d.params, optims.d.lr).step(d_here)
            g_ahead, d_ahead, _ = gradients(game, batch)
        g_slope = [0.5 * a + 0.5 * b for a, b in zip(g_here, g_ahead, strict=True)]
        d_slope = [0.5 * a + 0.5 * b for a, b in zip(d_here, d_ahead, strict=True)]
        optims.step(g_slope, d_slope)
        return seen


def _curved_field(game: Game, batch: Batch) -> tuple[Grads, Grads, Seen]:
    """F as it can be differentiated again, the same detached, and the losses."""
    with exact():
        g_grads, d_grads, seen = gradients(game, batch, differentiable=True)
    live = (*g_grads, *d_grads)
    return live, tuple(x.detach() for x in live), seen


@dataclass(repr=False, eq=False)
class Consensus(Rule):
    """Consensus optimization: w <- w - eta (F + gamma J^T F), where J^T F = grad |F|^2 / 2.

    Mescheder et al. (2017, algorithm 2). It is drawn to every zero of F, so that on a potential
    game it is not gradient descent, and bad saddle points may attract it.
    rho = sqrt((1 - eta gamma)^2 + eta^2). Raises ValueError for gamma < 0.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        self.gamma = _checks.real("gamma", self.gamma, least=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        live, F, seen = _curved_field(game, draw())
        JtF = gradient(_inner(live, F, game), parameters(game))
        bent = [f + self.gamma * h for f, h in zip(F, JtF, strict=True)]
        optims.step(*split(game, bent))
        return seen


@dataclass(repr=False, eq=False)
class SymplecticAdjustment(Rule):
    """Symplectic gradient adjustment (SGA): w <- w - eta (F + lam A^T F), A = (J - J^T) / 2.

    Balduzzi et al. (2018, section 3). A is the part of J that rotates: on a potential game A = 0
    and the rule is gradient descent, on xy it is consensus with gamma = lam.
    rho = sqrt((1 - eta lam)^2 + eta^2).

    ``align`` gives lam the sign of <F, J^T F> <A^T F, J^T F> / n + 1/10, n the number of
    parameters: towards stable and away from unstable fixed points (their algorithm 1).
    """

    lam: float = 1.0
    align: bool = True

    def __post_init__(self) -> None:
        self.lam = _checks.real("lam", self.lam)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        live, F, seen = _curved_field(game, draw())
        u = [f.clone().requires_grad_() for f in F]
        Jtu = gradient(_inner(live, u, game), parameters(game), differentiable=True)
        JF = gradient(_inner(Jtu, F, game), u)  # <J^T u, F> is linear in u, its gradient J F
        JtF = [x.detach() for x in Jtu]
        AtF = [0.5 * (t - f) for t, f in zip(JtF, JF, strict=True)]
        sign = torch.ones(game.lead, device=game.device)
        if self.align:
            along = _inner(F, JtF, game) * _inner(AtF, JtF, game)
            sign = torch.sign(along / (game.n_g + game.n_d) + 0.1)
        bent = [f + self.lam * (like(sign, a) * a) for f, a in zip(F, AtF, strict=True)]
        optims.step(*split(game, bent))
        return seen


def _inner(a: Sequence[Tensor], b: Sequence[Tensor], game: Game) -> Tensor:
    """<a, b>, one for each member. Its gradient is J^T b where a = F and b is fixed."""
    parts = [(x * y).flatten(len(game.lead)).sum(-1) for x, y in zip(a, b, strict=True)]
    return torch.stack(parts).sum(0)


simultaneous = Simultaneous
alternating = Alternating
negative_momentum = NegativeMomentum
weight_clipping = WeightClipping
extragradient = Extragradient
past_extragradient = PastExtragradient
optimistic = Optimistic
lookahead = Lookahead
heun = Heun
consensus = Consensus
symplectic_adjustment = SymplecticAdjustment
