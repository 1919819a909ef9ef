"""The whole tree of errors a user can meet. Nothing here knows what went wrong, only what kind of thing it is.

PatentclustError            something the user can fix; carries a hint: the next command, or the allowed values
├── ConfigError             a flag, a params file or models.toml is wrong
├── SourceError             one input file cannot be read; the run goes on without it
│   ├── WorkerDiedError     the process that read it died
│   └── SourceChangedError  it changed while it was read
├── ModelError              a model cannot be found, fetched, loaded or reached
├── ArtifactError           an artifact is missing, stale, damaged or of another schema
│   └── MissingArtifactError  it was never made, or is gone
├── StoreError              a store to be filled cannot be reached, refuses, or turns units down
├── MissingExtraError       an optional dependency is not installed
└── StoppedError             the user pressed Ctrl-C and the work stopped where it can be taken up
"""


class PatentclustError(Exception):
    """Report a problem the user can fix; `str()` says what, where, expected and got; `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(PatentclustError):
    """A flag, a parameter file or models.toml is wrong."""


class SourceError(PatentclustError):
    """One input file, or one document in it, cannot be read; the run goes on without it."""

    def __init__(self, message: str, *, source_path: str = "", reader: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.source_path = source_path
        self.reader = reader


class WorkerDiedError(SourceError):
    """The process that read one input file, or one document in it, died."""


class SourceChangedError(SourceError):
    """An input file changed, or went away, between its first look and its reading."""


class ModelError(PatentclustError):
    """A model cannot be found, fetched, verified, loaded or run."""


class ArtifactError(PatentclustError):
    """An artifact is missing, stale, damaged or of another schema."""


class MissingArtifactError(ArtifactError):
    """An artifact was never made, or is gone."""


class StoreError(PatentclustError):
    """A store cannot be reached, refuses, or turns units down."""


class MissingExtraError(PatentclustError):
    """An optional dependency is not installed."""


class StoppedError(PatentclustError):
    """The user pressed Ctrl-C and the work stopped where it can be taken up."""
