"""gan_teach: why GANs converge, cycle or collapse. Import it as ``import gan_teach as gt``.

The public names, in the order the course meets them, are listed once, in ``__init__.pyi``: editors
and type checkers read that file as it is, and ``lazy_loader`` reads it here to import each name
when it is first used. ``import gan_teach`` itself therefore imports nothing heavy, not even torch.
To publish a name, add its line there.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
