"""``evaluate``: generators scored by the images they make."""

import argparse
from pathlib import Path


def add_evaluate(commands) -> None:
    parser = commands.add_parser(
        "evaluate", help="score runs, published weights or folders of images; resumable"
    )
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", type=Path,
        help="a run's folder, a file of RS-GAN, or a folder of images",
    )  # fmt: skip
    parser.add_argument(
        "--features", metavar="NET",
        help="digits, cifar, inception, or a file of Inception weights (default: by the colors)",
    )  # fmt: skip
    parser.add_argument("--data", help="the real images, if not those of the first run")
    parser.add_argument("-n", type=int, default=5000, help="images of each; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the latents; default: %(default)s")
    parser.add_argument("--ema", nargs="+", default=(), help="decays, or raw (default: all)")
    parser.add_argument("--every", type=int, default=1, help="only steps that are multiples of it")
    parser.add_argument("--last", action="store_true", help="only the last saved step")
    parser.add_argument("--untrained", action="store_true", help="also G as each run started it")
    parser.add_argument("--device", help="cpu, cuda, ... (default: a GPU if there is one)")
    parser.add_argument("--out", type=Path, help="folder of scores.csv and .png (default: the run)")
    parser.add_argument("--csv", type=Path, help="also write what was asked for into this file")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from gan_teach import _devices, plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    if options.device is None:
        options.device = _devices.preferred()
        if options.device != "cpu":
            print(_devices.described(options.device))
    names = ("features", "data", "n", "seed", "every", "last", "untrained", "device")
    out = options.out or evaluation.default_folder(options.sources[0])
    found = evaluation.evaluate(
        *options.sources, averages=options.ema, out=out, progress=True,
        **{name: getattr(options, name) for name in names},
    )  # fmt: skip
    print(found.table())
    figure = plots.score_paths(found.rows, features=found.features, band=found.band)
    style.save(figure, out / "scores.png")
    written = [out / "scores.csv", out / "scores.png"]
    if options.csv:
        written.append(found.save(options.csv))
    for path in written:
        print(f"wrote {path}")
    return 0
