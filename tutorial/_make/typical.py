"""Which seed of each preset of the lab is typical, and how often its runs end well.

    python tutorial/_make/typical.py              # 200 runs of each: two hours of a core
    python tutorial/_make/typical.py --runs 50 --preset normal dirac
    python tutorial/_make/typical.py --choose     # the seeds only, of the runs that are there

Runs of a preset differ in their seed, 0, 1, 2, ..., and are trained together, as one stacked game.
What a run has come to after ``rounds`` rounds is measured by the lab itself:

    on the line    how far the mean of the generated points is from that of the real ones; a run
                   ends well within half a standard deviation of the data
    in the plane   how many modes are covered, then the share of points on a mode; a run ends well
                   with all modes. Without modes: the distance to the data, against that of other
                   real points, as in the lab's chart
    Dirac          the distance to the equilibrium, against that of the start
    images         which share of a thousand pictures can be read; a run ends well with 30 %. (Such
                   runs go one by one and take longer: ``--runs 6 --preset digits digits-dragan``)

The typical seed is that of the median run or, since a stacked run and the lab's differ by rounding,
of the nearest one that is between the 30th and the 70th percentile when it runs alone. All goes to
``gan_teach/lab/typical.json``, whose ``ends`` are the runs in the order of their seeds; what is
there already is not made again.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from gan_teach._files import replacing
from gan_teach.games.ensemble import stack
from gan_teach.lab.config import OPTIMIZERS, PRESETS, TYPICAL, Config
from gan_teach.lab.networks import distance_band
from gan_teach.lab.session import WORLDS, Session
from gan_teach.lab.world import Row, dress, update_rule
from gan_teach.metrics.features import digit_classifier
from gan_teach.studies import image_runs
from gan_teach.training import train
from gan_teach.zoo.experiments import EXPERIMENTS

RUNS, CHUNK = 200, 50  # of a preset; at a time
ROUNDS = {
    "plane": 1000,
    "dirac": 500,
    "images": 1500,
}  # the runs of a newcomer: half a minute of play
READ, PICTURES = 0.3, 1000  # share of pictures to be read, a third of that of real ones
NEAR = 0.5  # of the mean on the line, in standard deviations of the data
MIDDLE = (0.3, 0.7)

End = list[float]  # what a run has come to; the larger, the better, the first number first


def rounds(config: Config) -> int:
    """After how many a run of this preset is measured."""
    return ROUNDS.get(config.world) or EXPERIMENTS[config.preset].games


def end(world: Any, row: Row, config: Config) -> End:
    """What a run has come to."""
    if config.world == "line":
        batch = world.expectation(world.game, config)
        apart = world.game.generate(batch.latent).mean() - batch.real.mean()
        numbers = [-abs(apart.item())]
    elif config.world == "dirac":
        numbers = [-float(row["distance"])]
    elif config.world == "images":
        latents = image_runs.fixed_latents(PICTURES, config.latent, seed=1)
        pictures = image_runs.draw(world.game.average.module, latents)
        numbers = [digit_classifier().read(torch.from_numpy(pictures))[1].mean()]
    elif "modes" in world.static:
        numbers = [row["covered"] * len(world.static["modes"]), row["quality"]]
    else:
        numbers = [-float(row["distance"])]
    return [round(float(x), 3) if math.isfinite(x) else -1e9 for x in numbers]


def aim(config: Config) -> tuple[float, str]:
    """The least first number of an end that is good, and what a run that has it did."""
    world: Any = WORLDS[config.world](config)
    if config.world == "line":
        return -NEAR, "have a mean within half a standard deviation of the data's"
    if config.world == "dirac":
        start = Session(config).history["distance"][0]
        return -float(start), "are nearer to the equilibrium than they began"
    if config.world == "images":
        return READ, f"make pictures of which {READ:.0%} can be read"
    if "modes" in world.static:
        modes = len(world.static["modes"])
        return modes, f"cover all {modes} modes"
    return -distance_band(config.data).high, "are as near to the data as other real points"


def ends(config: Config, seeds: Sequence[int], steps: int | None = None) -> Iterator[End]:
    """The ends of the runs with these seeds."""
    steps = rounds(config) if steps is None else steps
    configs = [config.changed(seed=seed) for seed in seeds]
    if config.world == "images":
        yield from map(alone, configs)
        return
    worlds = [WORLDS[own.world](own) for own in configs]
    together: Any = stack([dress(w.game, own) for w, own in zip(worlds, configs, strict=True)])
    run = train(
        together, update_rule(config, together), steps=steps, lr=config.lr, tau=config.tau,
        optimizer=OPTIMIZERS[config.optimizer], batch_size=config.batch, seed=seeds,
    )  # fmt: skip
    for _ in run:
        pass
    for k, (world, own) in enumerate(zip(worlds, configs, strict=True)):
        game = world.game
        for one, all_ in (
            *zip(game.g_params, together.g_params, strict=True),
            *zip(game.d_params, together.d_params, strict=True),
        ):
            one.data.copy_(all_.detach()[k])
        state = next(train(game, steps=0, seed=own.seed))
        yield end(world, world.measure(state, own), own)


def alone(config: Config) -> End:
    """The end of the lab's own run."""
    session = Session(config)
    session.go(rounds(config))
    return end(session._world, session._measured(), config)


def choose(config: Config, found: Sequence[End]) -> int:
    """The typical seed."""
    ranked = sorted(found)
    median = ranked.index(ranked[len(ranked) // 2])
    low, high = (ranked[int(share * (len(ranked) - 1))] for share in MIDDLE)
    for seed in sorted(range(len(found)), key=lambda s: abs(ranked.index(found[s]) - median)):
        if low <= alone(config.changed(seed=seed)) <= high:
            return seed
    raise RuntimeError(f"no run of {config.preset} alone is like the median of all.")


def known() -> dict[str, Any]:
    """What is there of each preset."""
    return json.loads(TYPICAL.read_text("utf-8")) if TYPICAL.exists() else {}


def write(name: str, facts: dict[str, Any]) -> None:
    """Enter what is known of a preset now."""
    table = {**known(), name: facts}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table))
    with replacing(TYPICAL) as partial:
        partial.write_text("{\n" + text + "\n}\n", "utf-8")


def summed_up(config: Config, found: list[End]) -> dict[str, Any]:
    """What the lab tells of the preset; ``good`` runs did what is ``told`` of them."""
    least, told = aim(config)
    good = int(np.sum([one[0] >= least for one in found]))
    seed = choose(config, found)
    return {"seed": seed, "rounds": rounds(config), "good": good, "told": told, "ends": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", nargs="*", choices=list(PRESETS), default=list(PRESETS))
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--choose", action="store_true", help="make no more runs")
    options = parser.parse_args()
    upto = [] if options.choose else [*range(CHUNK, options.runs, CHUNK), options.runs]
    for runs in upto:
        for name in options.preset:
            found = known().get(name, {"ends": []})["ends"]
            more = range(len(found), runs)
            if more:
                found += ends(PRESETS[name], list(more))
                write(name, {**known().get(name, {}), "ends": found})
                print(f"{name}: {len(found)} runs", flush=True)
    for name in options.preset:
        own = summed_up(PRESETS[name], known()[name]["ends"])
        write(name, own)
        print(f"{name}: seed {own['seed']}; {own['good']} of {len(own['ends'])} {own['told']}")


if __name__ == "__main__":
    main()
