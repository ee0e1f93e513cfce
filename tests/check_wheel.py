"""``python tests/check_wheel.py WHEEL``: what it lacks or has too much; status 1 if anything."""

import subprocess
import sys
import zipfile
from pathlib import Path


def expected(root: Path) -> set[str]:
    """The wheel's path of every tracked file that a learner needs, not of what makes the course."""
    command = ["git", "ls-files", "gan_teach", "tutorial"]
    tracked = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return {
        name.replace("tutorial/", "gan_teach/_tutorial/", 1)
        if name.startswith("tutorial/")
        else name
        for name in tracked.splitlines()
        if not name.startswith(("tutorial/_make/", "tutorial/conftest.py"))
    }


def problems(wheel: Path, wanted: set[str]) -> list[str]:
    """A line for each file that is missing or that does not belong in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    return [f"missing: {name}" for name in sorted(wanted - held)] + [
        f"unexpected: {name}" for name in sorted(held - wanted)
    ]


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    found = problems(Path(sys.argv[1]), expected(root))
    print("\n".join(found) or f"{sys.argv[1]} holds what the checkout holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
