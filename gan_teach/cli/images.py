"""``sample`` and ``interpolate``: images of a trained GAN."""

import argparse
from pathlib import Path
from typing import Any


def add_sample(commands) -> None:
    parser = commands.add_parser("sample", help="a sheet of images from a trained run")
    _add_source(parser)
    parser.add_argument("-n", type=int, default=64, help="images; default: %(default)s")
    parser.set_defaults(command=_sample)


def add_interpolate(commands) -> None:
    parser = commands.add_parser("interpolate", help="images on the way between two latents")
    _add_source(parser)
    parser.add_argument("--rows", type=int, default=6, help="ways; default: %(default)s")
    parser.add_argument("--steps", type=int, default=10, help="images a way; default: %(default)s")
    parser.add_argument("--spherical", action="store_true", help="along the sphere, not straight")
    parser.set_defaults(command=_interpolate)


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, or a file of RS-GAN")
    parser.add_argument("--ema", help="decay of the average to draw from, or raw (default: last)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="file to write (default: in the run's folder)")


def _sample(options: argparse.Namespace) -> int:
    from gan_teach.studies import image_runs

    g, latent, folder, published = _generator(options)
    latents = image_runs.fixed_latents(options.n, latent, options.seed)
    images = image_runs.draw(g, latents, batch_statistics=published)
    out = options.out or folder / "sample.png"
    image_runs.save_sheet(out, images)
    print(f"wrote {out}")
    return 0


def _interpolate(options: argparse.Namespace) -> int:
    from gan_teach import _checks
    from gan_teach.studies import image_runs

    g, latent, folder, published = _generator(options)
    rows = _checks.whole("--rows", options.rows, least=1)
    ends = image_runs.fixed_latents(2 * rows, latent, options.seed)
    way = image_runs.between(ends[:rows], ends[rows:], options.steps, options.spherical)
    images = image_runs.draw(g, way.flatten(0, 1), batch_statistics=published)
    out = (options.out or folder / "interpolation.png").with_suffix("")
    image_runs.save_sheet(out.with_suffix(".png"), images, columns=options.steps)
    frames = images.reshape(rows, options.steps, *images.shape[1:])
    image_runs.save_film(out.with_suffix(".gif"), frames)
    for ending in (".png", ".gif"):
        print(f"wrote {out.with_suffix(ending)}")
    return 0


def _generator(options: argparse.Namespace) -> tuple[Any, int, Path, bool]:
    """(G, dimension of its latents, folder for files, whether published) of a run or a file."""
    from gan_teach import _checks
    from gan_teach.models.convnets import load_rsgan_generator
    from gan_teach.studies import image_runs

    if options.run.is_file():
        g = load_rsgan_generator(options.run)
        return g, next(g.parameters()).shape[1], Path(), True
    trained = image_runs.load_run(options.run)
    name = _checks.choice("--ema", options.ema or list(trained.generators)[-1], trained.generators)
    return trained.generators[name], trained.latent, options.run, False
