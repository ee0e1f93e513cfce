"""Many runs: seeds and knobs, random architectures, image runs in folders, their scores."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["bogonet", "evaluation", "image_records", "image_runs", "runs", "smoke", "sweeps"],
)
