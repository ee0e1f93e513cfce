"""The course on disk and its exercises: chapters, a learner's copy, records, checks of answers."""

import lazy_loader as _lazy

from gan_teach.course.launcher import (
    DEFAULT_FOLDER as DEFAULT_FOLDER,
    MANIFEST as MANIFEST,
    CourseError as CourseError,
    chapters as chapters,
    copy_course as copy_course,
    launch_app as launch_app,
    launch_lab as launch_lab,
    tutorial_folder as tutorial_folder,
)

# What needs torch is imported when it is first used: ``gan-teach lab`` need not wait for it.
__getattr__, _, _ = _lazy.attach(__name__, submodules=["exercises", "records"])
