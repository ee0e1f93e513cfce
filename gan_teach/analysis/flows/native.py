"""The formula of one step as a C function, compiled by the machine's own compiler.

Compiling takes well under a second, where ``torch.compile`` of the same formula was measured at a
minute of processor time, for the same speed. Products are not fused into sums and nothing is
reordered; sines and exponentials are the C library's, for several cells at once where it has them
(glibc's libmvec, at most 4 units in the last place), else one by one, as Python's ``math``.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gan_teach.analysis.flows.trace import Step

_FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared"]
_VECTOR = ["-DVECTOR", "-fopenmp-simd", "-march=native", "-mprefer-vector-width=512"]
_BUILDS = ([*_FLAGS, *_VECTOR], _FLAGS)  # the second where compiler or C library lack the first
_LANES = 32  # cells that advance side by side

_PRELUDE = """
#include <math.h>
#ifdef VECTOR
#pragma omp declare simd notinbranch
extern double sin(double);
#pragma omp declare simd notinbranch
extern double cos(double);
#pragma omp declare simd notinbranch
extern double exp(double);
#pragma omp declare simd notinbranch
extern double log(double);
#endif
#define abs fabs
#define True 1.0
#define False 0.0
#define where(c, a, b) ((c) ? (a) : (b))
#define logical_and(a, b) ((a) && (b))
#define logical_or(a, b) ((a) || (b))
#define logical_not(a) (!(a))
static inline double maximum(double a, double b) { return a >= b || a != a ? a : b; }
static inline double minimum(double a, double b) { return a <= b || a != a ? a : b; }
static inline double sign(double x) { return (x > 0) - (x < 0); }
static inline double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
static inline double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}
"""

_FUNCTION = """
void path(const double *points, const double *rates, double rate_g, long long cells,
          long long every, long long records, double *out) {{
    for (long long first = 0; first < cells; first += {lanes}) {{
        const int lanes = cells - first < {lanes} ? (int)(cells - first) : {lanes};
        double at[{n}][{lanes}];
        for (int i = 0; i < {n}; i++)
            for (int k = 0; k < lanes; k++) at[i][k] = points[i * cells + first + k];
        for (long long record = 0; record < records; record++) {{
            for (long long step = 0; step < every; step++) {{
                #pragma omp simd
                for (int k = 0; k < lanes; k++) {{
                    const double rate_d = rates[first + k];
{body}
                }}
            }}
            for (int i = 0; i < {n}; i++)
                for (int k = 0; k < lanes; k++)
                    out[(record * {n} + i) * cells + first + k] = at[i][k];
        }}
    }}
}}
"""

CPath = Callable[[Tensor, Tensor, float, int, int], Tensor]


class CompilerError(Exception):
    """The compiler failed; the message is the first line of what it said."""


def find_compiler() -> str | None:
    """A C compiler, or None (as on Binder, or on Windows, whose compiler has other flags)."""
    if sys.platform == "win32":
        return None
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


def c_source(step: Step) -> str:
    """The whole C file: ``path`` takes and fills arrays laid out as ``engines.Path`` says."""
    lines = [f"const double {name} = at[{i}][k];" for i, name in enumerate(step.names)]
    lines += [f"const double {name} = {text};" for name, text in step.assignments]
    lines += [f"const double next_{i} = {text};" for i, text in enumerate(step.results)]
    lines += [f"at[{i}][k] = next_{i};" for i in range(len(step.results))]
    body = "\n".join(" " * 20 + line for line in lines)
    return _PRELUDE + _FUNCTION.format(n=len(step.names), lanes=_LANES, body=body)


@functools.lru_cache(maxsize=32)
def compile_path(source: str) -> CPath:
    """Compile and load; the same source is compiled once per session. Raises ``CompilerError``."""
    compiler = find_compiler()
    if compiler is None:
        raise CompilerError("there is no C compiler here")
    with tempfile.TemporaryDirectory(prefix="gan_teach_") as folder:
        Path(folder, "path.c").write_text(source, "utf-8")
        said = ""
        for number, flags in enumerate(_BUILDS):
            try:
                return _callable(_build(compiler, Path(folder), f"path{number}.so", flags))
            except (OSError, subprocess.SubprocessError, CompilerError) as error:  # noqa: PERF203
                said = str(error)
    raise CompilerError(said[:200])


def _build(compiler: str, folder: Path, library: str, flags: list[str]) -> ctypes.CDLL:
    command = [compiler, *flags, "path.c", "-o", library, "-lm"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise CompilerError(done.stderr.strip().partition("\n")[0] or "the compiler says nothing")
    return ctypes.CDLL(str(folder / library))  # stays loaded when the file is gone


def _callable(library: ctypes.CDLL) -> CPath:
    pointer, whole = ctypes.c_void_p, ctypes.c_longlong
    library.path.argtypes = [pointer, pointer, ctypes.c_double, whole, whole, whole, pointer]
    library.path.restype = None

    def path(points: Tensor, rates: Tensor, rate_g: float, every: int, records: int) -> Tensor:
        points, rates = points.contiguous(), rates.contiguous()
        out = torch.empty(records, *points.shape, dtype=torch.float64)
        addresses = points.data_ptr(), rates.data_ptr(), out.data_ptr()
        library.path(
            addresses[0], addresses[1], rate_g, points.shape[1], every, records, addresses[2]
        )
        return out

    return path
