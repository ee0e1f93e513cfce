"""``python -m gan_teach`` is the command ``gan-teach``."""

import sys

from gan_teach.cli import main

sys.exit(main())
