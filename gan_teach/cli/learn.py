"""``list``, ``lab``, ``book``, ``run``, ``study``, ``bogonet``: course, toy GANs and studies."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_teach import _checks, course
from gan_teach.cli.arguments import command, print_rows

# -- list -----------------------------------------------------------------------------------------


@command()
def list_() -> int:
    """The chapters and the experiments, a line each."""
    print("Chapters (gan-teach lab):")
    print_rows((c.name, c.summary or c.title) for c in course.chapters())
    from gan_teach.studies.toys import TOYS
    from gan_teach.zoo.experiments import EXPERIMENTS

    print("\nExperiments (gan-teach run NAME):")
    print_rows((name, f"{e.summary}, {e.games} rounds") for name, e in EXPERIMENTS.items())
    print_rows((name, f"{toy.summary}, {toy.training.steps} steps") for name, toy in TOYS.items())
    return 0


# -- lab ------------------------------------------------------------------------------------------


@command()
def lab(
    run: str | None = None, *, folder: Path | None = None, port: int = 8888,
    no_browser: bool = False, copy_only: bool = False, app: bool = False,
) -> int:  # fmt: skip
    """Copy the course into a folder and open JupyterLab.

    run : with --app: the text of a run of the lab, or a preset's name
    folder : of the notebooks (default: gan-teach-course in this folder)
    port : of the server
    no_browser : print the address only
    copy_only : copy the notebooks and stop
    app : open the interactive lab alone, as a page of its own, on this run
    """
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
    for name, beside in copied.items():
        if beside:
            print(f"  {name} holds your changes and stays; the new version is {beside}.")
    if not copy_only:
        course.launch_lab(folder, port, browser=not no_browser)
    return 0


# -- book -----------------------------------------------------------------------------------------


@command()
def book(*, out: Path = Path("gan-teach-book"), no_open: bool = False) -> int:
    """Make the course a site that opens from disk, and open it.

    out : folder of the site
    no_open : print where it is only
    """
    from gan_teach.course.book import build

    page = build(out)
    print(f"The book is {page}")
    if not no_open:
        webbrowser.open(page.as_uri())
    return 0


# -- run ------------------------------------------------------------------------------------------


@command("gan_teach.studies.toys:run")
def run(
    experiment: str | None = None, *, replay: str | None = None, noise: float | None = None,
    loss: str | None = None, seeds: int | None = None, out: Path | None = None,
    format: str = "png", **settings: Any,
) -> int:  # fmt: skip
    """Train one experiment; pictures and numbers in a folder.

    experiment : a name from gan-teach list
    replay : instead of it: the text of a run in the lab, repeated
    games : rounds of training
    d_steps : updates of the discriminator in a round
    g_steps : updates of the generator in a round
    noise : standard deviation of the instance noise (the data's is 1)
    loss : saturating, non_saturating, relativistic, ...
    lr : learning rate of the generator
    tau : learning rate of D divided by that of G
    seed : of the networks and of every draw
    seeds : train this many seeds together instead of one
    out : folder for the files (default: runs/EXPERIMENT)
    format : of the pictures: png, pdf or eps
    """
    if replay is None:
        if experiment is None:
            raise ValueError("EXPERIMENT is missing: see gan-teach list, or use --replay.")
        settings |= {"noise": noise, "loss": loss}
        return _train(experiment, out or Path("runs") / experiment, format, seeds, **settings)
    if settings or any(value is not None for value in (experiment, noise, loss, seeds)):
        raise ValueError("--replay has all settings in its text: give only --out with it.")
    return _repeat(replay, out or Path("runs") / "replay")


def _train(
    name: str, out: Path, format: str, seeds: int | None, seed: int = 0, **changes: Any
) -> int:
    from gan_teach.studies import toys
    from gan_teach.zoo import experiments

    _checks.choice("format", format, toys.FORMATS)
    _checks.choice("experiment", name, [*experiments.EXPERIMENTS, *toys.TOYS])
    count = 1 if seeds is None else _checks.whole("--seeds", seeds, least=1)
    report = experiments.report
    if name in toys.TOYS:
        history = toys.run(name, seed=seed, seeds=count, progress=True, **changes)
        report = toys.report
    elif seeds is None:
        history = experiments.run(name, seed=seed, progress=True, **changes)
    else:
        several = range(seed, seed + count)
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


@command()
def study(
    name: str | None = None, *, seeds: int | None = None, out: Path = Path("runs/studies"),
    work: Path = Path("runs/parts"), run: Path | None = None, data: str | None = None,
) -> int:  # fmt: skip
    """Repeat a long study that a chapter shows; resumable.

    name : without it: list the studies
    seeds : default: as many as the chapter shows
    out : folder of the record, NAME.npz
    work : folder of finished parts
    run : folder of an image run (default: runs/NAME)
    data : data set of an image run that is not there yet
    """
    from gan_teach.course import records

    images = records.IMAGE_RECORDS
    if name is None:
        print_rows((k, f"{r.summary}, {r.seeds} seeds") for k, r in records.RECORDS.items())
        print_rows((k, f"{r.summary}, image runs, {r.seeds} seeds") for k, r in images.items())
        return 0
    if name in images:
        run = run or Path("runs") / name
        history = records.images.make(name, out, run, seeds=seeds, data=data)
        print(f"wrote {out / name}.npz: {len(history)} snapshots")
        return 0
    history = records.make(name, out, work, seeds=seeds, progress=True)
    done, planned = history.meta["members"], history.meta["members_planned"]
    print(f"{name}: {done} of {planned} GANs are done.")
    if done:
        print(f"wrote {out / name}.npz")
    return 130 if history.meta["interrupted"] else 0


# -- bogonet: which algorithm is the least particular about architectures? ------------------------


@command("gan_teach.studies.bogonet:Budget")
def bogonet(
    *, architectures: int = 100, workers: int = 2, families: str = "mlp,conv",
    out: Path = Path("runs/bogonet"), record: Path | None = None, **budget: Any,
) -> int:  # fmt: skip
    """Random architectures by vanilla GAN, DRAGAN and WGAN-GP: who wins how often.

    architectures : how many
    steps : updates of the generator in each run
    records : scores along each run; must divide the steps
    batch_size : samples of each kind in a batch
    workers : processes
    lr : Adam's rate
    d_steps : updates of D per update of G for all; by default as each has it
    families : of the networks; also: residual
    out : folder of the architectures that are done, which stay so
    record : also write the result, made small, to this .npz
    """
    from gan_teach.studies import bogonet as study

    history = study.run_study(
        architectures, study.Budget(**budget), families=[f.strip() for f in families.split(",")],
        folder=out, workers=workers, progress=True,
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


@command()
def reproduce(
    works: Sequence[str] = (), *, seeds: int | None = None, quick: bool = False, workers: int = 1,
    out: Path = Path("runs/studies"), work: Path = Path("runs/ledger"),
) -> int:  # fmt: skip
    """What five works publish beside what comes out here, with a verdict; resumable.

    works : line, timescale, rsgan, dragan, assignment; default: all
    seeds : of what is random; default: as many as chapter 22 shows
    quick : only what takes seconds; other rows stay as they are in the table
    workers : processes
    out : folder of the table, ledger.csv
    work : folder of what is finished
    """
    from gan_teach.course import ledger

    makers = ledger.makers([_checks.choice("WORK", w, ledger.WORKS) for w in works], quick)
    lines = ledger.rules.reproduce(
        ledger.rows(), makers, out, work, seeds=seeds, workers=workers, progress=True
    )
    for name, found in ledger.rules.counts(lines).items():
        print(
            f"  {name:12}" + ", ".join(f"{found[v]} {v}" for v in ledger.rules.VERDICTS if found[v])
        )
    print(f"wrote {out / 'ledger.csv'}")
    return 0
