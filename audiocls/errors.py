"""The errors a user can meet, in one tree.

Every known failure derives from `AudioclsError`; the command line prints it as one line and exits with its
`exit_code`. A traceback therefore always means a bug.
"""


class AudioclsError(Exception):
    """Base of all known failures. The message says what, which file or field, why, and what to do."""

    exit_code = 1


class UsageError(AudioclsError):
    """A setting or argument is wrong or contradicts another one."""

    exit_code = 2


class DataError(AudioclsError):
    """The data cannot be used: empty, a single class, unusable labels or splits."""


class AudioReadError(DataError):
    """One audio file cannot be read. `reason` is the cause alone, without the file's name."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class ModelError(AudioclsError):
    """A model folder or Hub repository is missing, incomplete or of another kind."""


class OutputError(AudioclsError):
    """Something cannot be written: the folder exists, is not writable, or the disk is full."""


class HubError(AudioclsError):
    """The Hub refuses, lacks or cannot be reached for what was asked."""
