"""``list``, ``lab``, ``book``, ``run``, ``study``, ``bogonet``: course, toy GANs and studies."""

import webbrowser
from pathlib import Path
from typing import Any

from gan_teach import _checks, course
from gan_teach.cli.arguments import command, print_rows

# -- list -----------------------------------------------------------------------------------------


@command("list", "the chapters and the experiments, a line each")
def list_all() -> int:
    print("Chapters (gan-teach lab):")
    print_rows((c.name, c.summary or c.title) for c in course.chapters())
    from gan_teach.studies.toys import TOYS
    from gan_teach.zoo.experiments import EXPERIMENTS

    print("\nExperiments (gan-teach run NAME):")
    print_rows((name, f"{e.summary}, {e.games} rounds") for name, e in EXPERIMENTS.items())
    print_rows((name, f"{toy.summary}, {toy.training.steps} steps") for name, toy in TOYS.items())
    return 0


# -- lab ------------------------------------------------------------------------------------------


@command(
    "lab",
    "copy the course into a folder and open JupyterLab",
    ("--folder", Path, f"of the notebooks (default: {course.DEFAULT_FOLDER} in this folder)"),
    ("--port", 8888, "of the server"),
    ("--no-browser", False, "print the address only"),
    ("--copy-only", False, "copy the notebooks and stop"),
    ("run", str, "with --app: the text of a run of the lab, or a preset's name", "?"),
    ("--app", False, "open the interactive lab alone, as a page of its own, on this run"),
)
def lab(
    folder: Path | None, port: int, no_browser: bool, copy_only: bool, run: str | None, app: bool
) -> int:
    if not 0 < port < 65536:
        raise ValueError(f"--port must be a whole number from 1 to 65535, got {port}.")
    if app:
        course.launch_app(port, browser=not no_browser, run=run)
        return 0
    if run is not None:
        raise ValueError(f"{run!r} is a run for the lab alone: gan-teach lab --app {run!r}.")
    here = Path.cwd()
    inside = (here / course.MANIFEST).exists()  # started from within the course's folder
    folder = folder or (here if inside else here / course.DEFAULT_FOLDER)
    copied = course.copy_course(folder)
    print(f"The course is in {folder}")
    for file in copied:
        if file.action == "offered":
            print(f"  {file.name} holds your changes and stays; the new version is {file.beside}.")
    if not copy_only:
        course.launch_lab(folder, port, browser=not no_browser)
    return 0


# -- book -----------------------------------------------------------------------------------------


@command(
    "book",
    "make the course a site that opens from disk, and open it",
    ("--out", Path("gan-teach-book"), "folder of the site"),
    ("--no-open", False, "print where it is only"),
)
def book(out: Path, no_open: bool) -> int:
    from gan_teach.course.book import build

    page = build(out)
    print(f"The book is {page}")
    if not no_open:
        webbrowser.open(page.as_uri())
    return 0


# -- run ------------------------------------------------------------------------------------------


@command(
    "run",
    "train one experiment; pictures and numbers in a folder",
    ("experiment", str, "a name from gan-teach list", "?"),
    ("--replay", str, "instead of it: the text of a run in the lab, repeated"),
    ("--games", int, "rounds of training"),
    ("--d-steps", int, "updates of the discriminator in a round"),
    ("--g-steps", int, "updates of the generator in a round"),
    ("--noise", float, "standard deviation of the instance noise (the data's is 1)"),
    ("--loss", str, "saturating, non_saturating, relativistic, ..."),
    ("--lr", float, "learning rate of the generator"),
    ("--tau", float, "learning rate of D divided by that of G"),
    ("--seed", int, "default: 0"),
    ("--seeds", int, "train this many seeds together instead of one"),
    ("--out", Path, "folder for the files (default: runs/EXPERIMENT)"),
    ("--format", "png", "of the pictures: png, pdf or eps"),
)
def run(
    experiment: str | None, replay: str | None, out: Path | None, format: str, **settings: Any
) -> int:
    if replay is None:
        if experiment is None:
            raise ValueError("EXPERIMENT is missing: see gan-teach list, or use --replay.")
        return _train(experiment, out or Path("runs") / experiment, format, **settings)
    if any(value is not None for value in (experiment, *settings.values())):
        raise ValueError("--replay has all settings in its text: give only --out with it.")
    return _repeat(replay, out or Path("runs") / "replay")


def _train(
    name: str, out: Path, format: str, seed: int | None, seeds: int | None, **changes: Any
) -> int:
    from gan_teach.studies import toys
    from gan_teach.zoo import experiments

    _checks.choice("format", format, toys.FORMATS)
    _checks.choice("experiment", name, [*experiments.EXPERIMENTS, *toys.TOYS])
    first, report = seed or 0, experiments.report
    if name in toys.TOYS:
        many = 1 if seeds is None else _checks.whole("--seeds", seeds, least=1)
        history = toys.run(name, seed=first, seeds=many, progress=True, **changes)
        report = toys.report
    elif seeds is None:
        history = experiments.run(name, seed=first, progress=True, **changes)
    else:
        several = range(first, first + _checks.whole("--seeds", seeds, least=1))
        history = experiments.run_seeds(name, several, progress=True, **changes)
    if history.meta.get("interrupted"):
        unit, last = history.meta["unit"], history.steps[-1]
        print(f"Stopped after {unit} {last}; what was finished is kept.")
    print(report(history))
    for path in toys.save_run(history, out, format):
        print(f"wrote {path}", flush=True)
    return 130 if history.meta.get("interrupted") else 0


def _repeat(text: str, out: Path) -> int:
    """Repeat a run of the lab, say where it ends, and write its files."""
    from gan_teach.lab import Replay, Session
    from gan_teach.lab.picture import save_all

    session = Session(Replay.parse(text))
    history = session.history
    print(session.frame.narration)
    for name in sorted(name for name in history if history[name].ndim == 1):
        print(f"  {name:10} {history.last(name):.10g}")
    for path in save_all(session, out):
        print(f"wrote {path}", flush=True)
    return 0


# -- study ----------------------------------------------------------------------------------------


@command(
    "study",
    "repeat a long study that a chapter shows; resumable",
    ("name", str, "without it: list the studies", "?"),
    ("--seeds", int, "default: as many as the chapter shows"),
    ("--out", Path("runs/studies"), "folder of the record, NAME.npz"),
    ("--work", Path("runs/parts"), "folder of finished parts"),
    ("--run", Path, "folder of an image run (default: runs/NAME)"),
    ("--data", str, "data set of an image run that is not there yet"),
)
def study(
    name: str | None, seeds: int | None, out: Path, work: Path, run: Path | None, data: str | None
) -> int:
    from gan_teach.course import records
    from gan_teach.studies import image_records

    images = image_records.IMAGE_RECORDS
    if name is None:
        print_rows((k, f"{r.summary}, {r.seeds} seeds") for k, r in records.RECORDS.items())
        print_rows((k, f"{r.summary}, an image run") for k, r in images.items())
        return 0
    if name in images:
        history = image_records.make(name, out, run or Path("runs") / name, data=data)
        print(f"wrote {out / name}.npz: {len(history)} snapshots")
        return 0
    history = records.make(name, out, work, seeds=seeds, progress=True)
    done, planned = history.meta["members"], history.meta["members_planned"]
    print(f"{name}: {done} of {planned} GANs are done.")
    if done:
        print(f"wrote {out / name}.npz")
    return 130 if history.meta["interrupted"] else 0


# -- bogonet: which algorithm is the least particular about architectures? ------------------------


@command(
    "bogonet",
    "random architectures by vanilla GAN, DRAGAN and WGAN-GP: who wins how often",
    ("--architectures", 100, "how many"),
    ("--steps", 100, "updates of the generator in each run"),
    ("--records", 5, "scores along each run; must divide the steps"),
    ("--batch-size", 32, "samples of each kind in a batch"),
    ("--workers", 2, "processes"),
    ("--lr", 3e-3, "Adam's rate"),
    ("--d-steps", int, "updates of D per update of G for all; by default as each has it"),
    ("--families", "mlp,conv", "of the networks; also: residual"),
    ("--source", str, "mnist (5000 digits) or sklearn (1797); by default what is installed"),
    ("--out", Path("runs/bogonet"), "folder of the architectures that are done, which stay so"),
    ("--record", Path, "also write the result, made small, to this .npz"),
)
def bogonet(
    architectures: int, workers: int, families: str, source: str | None, out: Path,
    record: Path | None, **budget: Any,
) -> int:  # fmt: skip
    from gan_teach.studies import bogonet as study

    history = study.run_study(
        architectures, study.Budget(**budget), families=[f.strip() for f in families.split(",")],
        source=source, folder=out, workers=workers, progress=True,
    )  # fmt: skip
    done, planned = history.meta["architectures"], history.meta["architectures_planned"]
    print(f"{done} of {planned} architectures are done; they lie in {out}.")
    if done:
        print(f"The judge names {history.meta['accuracy']:.1%} of the held-out digits rightly.\n")
        print(study.table(history), study.duel_table(history), sep="\n\n")
        print("\nDiverged:", "; ".join(study.diverged(history)) or "none")
    if done and record:
        small = history.with_arrays(score=history["score"].astype("float32"))
        print(f"wrote {small.save(record)}")
    return 130 if history.meta["interrupted"] else 0


# -- reproduce: the ledger ------------------------------------------------------------------------


@command(
    "reproduce",
    "what five works publish beside what comes out here, with a verdict; resumable",
    ("works", str, "line, timescale, rsgan, dragan, assignment; default: all", "*"),
    ("--seeds", int, "of what is random; default: as many as chapter 22 shows"),
    ("--quick", False, "only what takes seconds; other rows stay as they are in the table"),
    ("--workers", 1, "processes"),
    ("--out", Path("runs/studies"), "folder of the table, ledger.csv"),
    ("--work", Path("runs/ledger"), "folder of what is finished"),
)
def reproduce(
    works: list[str], seeds: int | None, quick: bool, workers: int, out: Path, work: Path
) -> int:
    from gan_teach.course import ledger
    from gan_teach.studies import ledger as study

    makers = ledger.makers([_checks.choice("WORK", w, ledger.WORKS) for w in works], quick)
    lines = study.reproduce(
        ledger.rows(), makers, out, work, seeds=seeds, workers=workers, progress=True
    )
    for name, found in study.counts(lines).items():
        print(f"  {name:12}" + ", ".join(f"{found[v]} {v}" for v in study.VERDICTS if found[v]))
    print(f"wrote {out / 'ledger.csv'}")
    return 0
