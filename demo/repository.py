"""Owns the demo's repository: a little git history to read, without a lock file until that is cured."""

import subprocess
from pathlib import Path

FILES = {
    "pyproject.toml": '[project]\nname = "harbour-books"\nversion = "1.4.0"\ndependencies = ["flask>=3"]\n',
    "shop/__init__.py": "",
    "shop/app.py": "from flask import Flask\n\napp = Flask(__name__)\n",
    "README.md": "# Harbour Books\n\nA web shop that exists only to have its readiness looked at.\n",
}
LOCK = {"requirements.txt": "blinker==1.9.0\nflask==3.1.2\n"}


def show(cured: frozenset[str], folder: Path) -> None:
    """Make the repository's newest commit what the cured faults say; a commit only when something changes."""
    if not (folder / ".git").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch", "main")
    write(folder, FILES)
    if "lock" in cured:
        write(folder, LOCK)
    else:
        for name in LOCK:
            (folder / name).unlink(missing_ok=True)
    git(folder, "add", "--all")
    if git(folder, "status", "--porcelain"):
        git(
            folder,
            "commit",
            "--quiet",
            "--message",
            "Lock the dependencies" if "lock" in cured else "The shop",
        )


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> str:
    """Run git in the folder as nobody in particular, without the machine's own configuration."""
    identity = ["-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout
