"""The exit codes, for the commands that return them and the one place that makes them of errors."""

from __future__ import annotations

EXIT_OK = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_IMPOSSIBLE = 4
EXIT_INTERRUPTED = 130
