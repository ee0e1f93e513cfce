"""Many runs: seeds and knobs, random architectures, image runs in folders, their scores.

``engine`` does the jobs of all of them, each once.
"""

import lazy_loader as _lazy

_MODULES = ("bogonet", "engine", "evaluation", "image_records", "image_runs", "runs", "smoke")

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=[*_MODULES, "sweeps"])
