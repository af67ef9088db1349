"""Owns the demo's command line: serve, or cure and bring back the faults of the one that is running."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from demo import repository
from demo.faults import FAULTS, Faults
from demo.service import Demo

ROOT = Path(__file__).resolve().parent.parent
PORT = 8001


def main(arguments: list[str]) -> int:
    """Run one command and return the exit status: 0, or 2 for a wrong input."""
    chosen = parser().parse_args(arguments)
    faults = Faults(chosen.state, frozenset(named(chosen.fix)))
    if chosen.command == "fix":
        faults.change(fix=frozenset(named(",".join(chosen.faults)) or FAULTS))
    elif chosen.command == "break":
        faults.change(spoil=frozenset(named(",".join(chosen.faults)) or FAULTS))
    if chosen.command in {"fix", "break", "serve"}:
        repository.show(faults.cured(), chosen.state.parent / "demo-repository")
    if chosen.command == "serve":
        return serve(declared_port() if chosen.port is None else chosen.port, faults)
    sys.stdout.write(f"{describe(faults.cured())}\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="script/demo", description="A little web service with faults.")
    made.add_argument("--port", type=int, help="Port on loopback; else that of DEMO_URL, else 8001.")
    made.add_argument(
        "--fix", default="", metavar="FAULTS", help=f"Cured from the start: {','.join(FAULTS)}."
    )
    made.add_argument(
        "--state", type=Path, default=var_folder() / "demo.json", help="File that keeps what is cured."
    )
    commands = made.add_subparsers(dest="command")
    commands.add_parser("serve", help="Serve until stopped (the default).")
    commands.add_parser("status", help="Say what is cured.")
    for name, does in (("fix", "Cure faults"), ("break", "Bring faults back")):
        command = commands.add_parser(
            name, help=f"{does} of the running demo; all of them when none is named."
        )
        command.add_argument("faults", nargs="*", metavar="FAULT")
    made.set_defaults(command="serve")
    return made


def named(text: str) -> list[str]:
    """Return the faults in a list with commas. SystemExit 2 for one that there is not."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in FAULTS]:
        sys.stderr.write(f"There is no fault named {unknown[0]}. The faults are {', '.join(FAULTS)}.\n")
        raise SystemExit(2)
    return names


def declared_port() -> int:
    """Return the port of DEMO_URL, else 8001."""
    return urlsplit(setting("DEMO_URL")).port or PORT


def var_folder() -> Path:
    """Return the folder of the installation's own files: VAR_DIR, else var/ beside the demo."""
    return Path(setting("VAR_DIR") or ROOT / "var")


def setting(name: str) -> str:
    """Return a variable of the installation, from the environment or its .env; empty when it is not set."""
    if value := os.environ.get(name):
        return value
    file = Path(os.environ.get("ENV_FILE") or ROOT / ".env")
    lines = file.read_text().splitlines() if file.is_file() else []
    return next((line.partition("=")[2] for line in lines if line.startswith(f"{name}=")), "")


def serve(port: int, faults: Faults) -> int:
    """Serve until interrupted."""
    try:
        demo = Demo(port, faults)
    except OSError as error:
        sys.stderr.write(
            f"The demo cannot listen on port {port}: {error.strerror}. Choose another with --port.\n"
        )
        return 2
    with demo:
        sys.stdout.write(f"The demo answers on {demo.url}. {describe(faults.cured())}\n")
        sys.stdout.flush()
        try:
            demo.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def describe(cured: frozenset[str]) -> str:
    """Return a sentence on what is cured."""
    broken = [name for name in FAULTS if name not in cured]
    fixed = [name for name in FAULTS if name in cured]
    return f"Faulty: {', '.join(broken) or 'nothing'}. Cured: {', '.join(fixed) or 'nothing'}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
