"""Owns which faults of the demo are cured: a file that the service reads again at each request."""

import json
from dataclasses import dataclass
from pathlib import Path

FAULTS = ("cors", "health", "headers", "lock", "secret", "database", "errors", "tests", "guides")


@dataclass(frozen=True)
class Faults:
    """Which faults are cured: `always` from the start, and more by the file, while the service runs."""

    file: Path | None = None
    always: frozenset[str] = frozenset()

    def cured(self) -> frozenset[str]:
        """Return the faults that are cured now. A file that is not there or cannot be read cures nothing."""
        if self.file is None:
            return self.always
        try:
            kept = json.loads(self.file.read_text())["fixed"]
        except (OSError, ValueError, KeyError, TypeError):
            return self.always
        return self.always | frozenset(FAULTS).intersection(kept if isinstance(kept, list) else ())

    def change(
        self, fix: frozenset[str] = frozenset(), spoil: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Cure some faults and bring others back, for a running service too. Returns what is cured then."""
        if self.file is None:
            raise RuntimeError("There is no file to keep the faults in.")
        cured = (self.cured() | fix) - spoil
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"fixed": sorted(cured)}))
        new.replace(self.file)
        return cured
