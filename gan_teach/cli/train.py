"""``train``: image GANs."""

import argparse
import sys
from pathlib import Path


def add_train(commands) -> None:
    parser = commands.add_parser("train", help="train an image GAN into a folder; resumable")
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="without it: list them")
    parser.add_argument(
        "--data",
        help="another data set: a name, a folder or zip archive of images, an .npy or IDX file",
    )
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/CONFIG)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    for flag, kind, text in (
        ("--steps", int, "updates of G, those already done included"),
        ("--batch-size", int, "images of each kind in a batch"),
        ("--lr", float, "learning rate of G"),
        ("--tau", float, "learning rate of D divided by that of G"),
        ("--features", int, "width of the networks (a quarter of the published: narrow)"),
    ):
        parser.add_argument(flag, type=kind, help=f"{text} (default: as published)")
    parser.add_argument("--bottleneck", action="store_true", help="halve each block's inner width")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...; default: %(default)s")
    parser.add_argument("--every", type=int, default=1000, help="steps between saves; %(default)s")
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--bf16", action="store_true", help="networks in bfloat16")
    half.add_argument("--fp16", action="store_true", help="networks in half precision, for GPUs")
    parser.add_argument("--channels-last", action="store_true", help="other order in memory")
    parser.add_argument("--skip-bad", action="store_true", help="leave out files that do not fit")
    parser.add_argument(
        "--workers", type=int, help="processes that read a folder larger than memory batch by batch"
    )
    parser.add_argument("--tensorboard", action="store_true", help="log for TensorBoard too")
    parser.set_defaults(command=_train)


def _train(options: argparse.Namespace) -> int:
    from gan_teach.image_runs import Settings, train_images
    from gan_teach.zoo import IMAGE_GANS

    if options.config is None:
        for name, config in IMAGE_GANS.items():
            print(f"{name:20}  {config.summary}; {config.steps:,} steps")
        return 0
    names = ("config", "data", "steps", "batch_size", "lr", "tau", "features", "bottleneck")
    settings = Settings(
        **{name: getattr(options, name) for name in names}, seed=options.seed,
        autocast="bf16" if options.bf16 else "fp16" if options.fp16 else None,
        channels_last=options.channels_last, skip_bad=options.skip_bad, workers=options.workers,
    )  # fmt: skip
    out = options.out or Path("runs") / options.config
    try:
        train_images(
            settings, out, device=options.device, resume=options.resume, every=options.every,
            progress=True, tensorboard=options.tensorboard,
        )  # fmt: skip
    except ArithmeticError as error:  # the run diverged
        print(f"gan-teach: {error}", file=sys.stderr)
        return 1
    print(f"wrote {out}")
    return 0
