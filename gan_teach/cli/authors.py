"""For the authors of the course: ``record``, ``classifier``, ``figures`` and ``notebooks``."""

import argparse
from pathlib import Path

from gan_teach import _checks, course

# -- record ---------------------------------------------------------------------------------------


def add_record(commands) -> None:
    parser = commands.add_parser(
        "record", help="for authors: make a long result that a chapter shows (resumable)"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="without it: list the records")
    parser.add_argument("--seeds", type=int, help="default: those of the record")
    parser.add_argument("--out", type=Path, default=Path("tutorial/records"), help="%(default)s")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/records"), help="finished parts; %(default)s"
    )
    parser.add_argument("--run", type=Path, help="folder of an image run; default: runs/NAME")
    parser.add_argument("--data", help="data set of an image run that is not there yet")
    parser.set_defaults(command=_record)


def _record(options: argparse.Namespace) -> int:
    from gan_teach.course import records
    from gan_teach.studies import image_records

    if options.name is None:
        for name, record in records.RECORDS.items():
            print(f"{name:22}  {record.summary}, {record.seeds} seeds")
        for name, record in image_records.IMAGE_RECORDS.items():
            print(f"{name:22}  {record.summary}, an image run")
        return 0
    if options.name in image_records.IMAGE_RECORDS:
        run = options.run or Path("runs") / options.name
        history = image_records.make(options.name, options.out, run, data=options.data)
        print(f"wrote {options.out / options.name}.npz: {len(history)} snapshots")
        return 0
    history = records.make(
        options.name, options.out, options.work, seeds=options.seeds, progress=True
    )
    done, planned = history.meta["members"], history.meta["members_planned"]
    print(f"{options.name}: {done} of {planned} GANs are done.")
    if done:
        print(f"wrote {options.out / options.name}.npz")
    return 130 if history.meta["interrupted"] else 0


# -- classifier ----------------------------------------------------------------------------------


def add_classifier(commands) -> None:
    parser = commands.add_parser(
        "classifier", help="for authors: train the classifier of CIFAR-10 that evaluate uses"
    )
    parser.add_argument("--data", default="cifar10", help="name or folder; default: %(default)s")
    parser.add_argument("--epochs", type=int, help="default: as the file that is shipped")
    parser.add_argument("--out", type=Path, help="default: the package's own file of weights")
    parser.set_defaults(command=_classifier)


def _classifier(options: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from gan_teach.data import load_images
    from gan_teach.metrics.features import cifar

    images = load_images(options.data, cifar.SIZE, progress=True)
    epochs = cifar.EPOCHS if options.epochs is None else options.epochs
    out = options.out or cifar.WEIGHTS
    seen = round(len(images) * (1 - cifar.HELD_OUT)) * epochs
    with tqdm(total=seen, unit=" images", unit_scale=True, mininterval=0.5) as bar:
        made = cifar.train_cifar_classifier(images, out, epochs=epochs, progress=bar.update)
    print(f"{made!r}\nwrote {out}")
    return 0


# -- figures --------------------------------------------------------------------------------------


def add_figures(commands) -> None:
    parser = commands.add_parser(
        "figures", help="for authors: make the pictures of the README again"
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("img"), help="default: %(default)s")
    parser.set_defaults(command=_figures)


def _figures(options: argparse.Namespace) -> int:
    from gan_teach.studies import runs

    for path in runs.make_figures(options.out, options.names):
        print(f"wrote {path}", flush=True)
    return 0


# -- notebooks ------------------------------------------------------------------------------------


def add_notebooks(commands) -> None:
    parser = commands.add_parser(
        "notebooks", help="for authors: make each NN_title.ipynb from its NN_title.py and run it"
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="chapters (default: all)")
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    parser.add_argument("--folder", type=Path, default=Path("tutorial"), help="default: tutorial")
    parser.set_defaults(command=_notebooks)


def _notebooks(options: argparse.Namespace) -> int:
    from gan_teach.course import notebooks

    if not options.folder.is_dir():
        raise course.CourseError(
            f"there is no folder {options.folder} here: run this in a checkout of the project."
        )
    known = {chapter.name: chapter.source for chapter in course.chapters(options.folder)}
    names = [_checks.choice("NAME", name, known) for name in options.names] or list(known)
    stale = 0
    for name in names:
        if options.check:
            differences = notebooks.check(known[name])
            print(f"{name}: {'; '.join(differences) or 'agrees'}", flush=True)
            stale += bool(differences)
        else:
            changed = notebooks.update(known[name])
            print(f"{name}: {'written' if changed else 'unchanged'}", flush=True)
    return 1 if stale else 0
