"""The course on disk and its exercises: chapters, a learner's copy, records, checks of answers."""

import lazy_loader as _lazy

from gan_teach.course.launcher import (
    DEFAULT_FOLDER,
    MANIFEST,
    Chapter,
    Copied,
    CourseError,
    chapters,
    copy_course,
    launch_app,
    launch_lab,
    need,
    tutorial_folder,
)

# What needs torch is imported when it is first used: ``gan-teach lab`` need not wait for it.
__getattr__, _, _ = _lazy.attach(__name__, submodules=["exercises", "records"])

__all__ = [
    "DEFAULT_FOLDER",
    "MANIFEST",
    "Chapter",
    "Copied",
    "CourseError",
    "chapters",
    "copy_course",
    "launch_app",
    "launch_lab",
    "need",
    "tutorial_folder",
]
