"""The course's exercises in the order of its chapters: a question, what is right, and why.

A check never raises for a wrong answer; it returns a ``Verdict`` that a notebook shows as a
sentence and a test reads as a truth value. After the question come the right value and the sentence
that says why; then mistakes, each with the sentence that it deserves (see ``answers``). A value
that depends on the chapter's run is computed from the settings that the call names. To add an
exercise, add such a function; only what is neither a number nor a function of numbers needs code of
its own, as a `Check`.
"""

from .claims import *
from .images import *
from .line import *
from .modes import *
from .planar import *
from .unseen import *
from .wrap_ups import *
