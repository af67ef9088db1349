"""Owns the product as real processes for a test: the Procfile, free ports, the database of the test."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import redis
from django.conf import settings
from django.db import connection

START_SECONDS = 180
STOP_SECONDS = 20


def free_port() -> int:
    """Return a port of this machine that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def procfile() -> dict[str, str]:
    """Return the Procfile: the name of a process and its command line."""
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def wait_until(
    condition: Callable[[], object], seconds: float = START_SECONDS, *, what: str = "", every: float = 0.05
) -> None:
    """Return as soon as the condition holds, asked `every` seconds; raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what or condition}")
        time.sleep(every)


def answers(url: str) -> bool:
    """Tell whether an address answers 200."""
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def database_url() -> str:
    """Return the address of the database that the test itself is connected to."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


def clear_broker() -> None:
    """Throw away every message of the broker, as if it had been wiped."""
    if settings.BROKER_URL.startswith("redis"):
        with redis.Redis.from_url(settings.BROKER_URL) as client:
            client.flushdb()
        return
    for folder in (settings.BROKER_DIR / "queue", settings.BROKER_DIR / "control"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, exist_ok=True)


@dataclass
class Live:
    """Processes of the product that share the test's database, broker and files.

    `url` is the web server's address, `demo_url` the demo service's. `environment` may be changed before a
    process is started. A process that was started here is stopped here.
    """

    port: int = field(default_factory=free_port)
    demo_port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "readiness.settings",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": database_url(),
            "SITE_URL": self.url,
            "PORT": str(self.port),
            "DEMO_URL": self.demo_url,
            "EGRESS_ALLOW": "127.0.0.0/8",
            "EGRESS_ALLOW_PORTS": str(self.demo_port),
            "REPOSITORY_ROOTS": str(settings.VAR_DIR),
            **self.environment,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def demo_url(self) -> str:
        return f"http://127.0.0.1:{self.demo_port}"

    @property
    def demo_repository(self) -> Path:
        return Path(settings.VAR_DIR) / "demo-repository"

    def start(self, *names: str, **environment: str) -> None:
        """Start processes of the Procfile by name, with these variables; wait for those that have a port."""
        for name in names:
            self.processes[name] = self._spawn(name, procfile()[name], environment)
        for name in names:
            if name == "web":
                self._wait_for(name, f"{self.url}/healthz")
            elif name == "demo":
                self._wait_for(name, self.demo_url)

    def start_worker_at(self, vantage: str) -> None:
        """Start a worker that stands at a vantage, and listens to the queues of that place."""
        command = procfile()["worker"]
        queues = f"probes.{vantage},scheduled.{vantage},repository.{vantage}"
        at = re.sub(r"--queues \S+", f"--queues {queues}", command)
        name = f"worker at {vantage}"
        self.processes[name] = self._spawn(name, at, {"VANTAGE": vantage})

    def stop(self, *names: str) -> None:
        """Ask processes to end, all when none is named, and wait; kill one that takes too long."""
        chosen = [self.processes.pop(name) for name in names or tuple(self.processes)]
        for process in chosen:
            # Not the children: a worker waits for theirs.
            process.terminate()
        for process in chosen:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill(process)

    def kill(self, *names: str) -> None:
        """Kill processes with their children, as a power cut would."""
        for name in names:
            self._kill(self.processes.pop(name))

    def restart(self, name: str, **environment: str) -> None:
        """Stop a process if it runs, and start it with other variables."""
        if name in self.processes:
            self.stop(name)
        self.start(name, **environment)

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a management command as a person would, and return what it said and its exit code."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def cure(self, *faults: str) -> None:
        """Cure faults of the running demo, all of them when none is named."""
        self._demo("fix", *faults)

    def spoil(self, *faults: str) -> None:
        """Bring faults of the running demo back, all of them when none is named."""
        self._demo("break", *faults)

    def _demo(self, *arguments: str) -> None:
        command = [str(settings.BASE_DIR / "script" / "demo"), *arguments]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=30)

    def log(self, name: str) -> str:
        """Return what a process has said so far."""
        return self._log(name).read_text(errors="replace")

    def running(self, name: str) -> bool:
        """Tell whether a process was started and has not ended."""
        return name in self.processes and self.processes[name].poll() is None

    def _log(self, name: str) -> Path:
        return Path(settings.VAR_DIR) / f"{name}-{self.port}.log"

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _spawn(self, name: str, command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        # If pytest itself is killed, the kernel stops what it started.
        line = f"exec setpriv --pdeathsig TERM sh -c {shlex.quote(command)}"
        with self._log(name).open("ab") as log:
            return subprocess.Popen(
                line,
                shell=True,
                cwd=settings.BASE_DIR,
                env=self.environment | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for(self, name: str, url: str) -> None:
        try:
            wait_until(lambda: not self.running(name) or answers(url), what=f"{name} at {url}")
            assert self.running(name), f"{name} has stopped"
        except AssertionError as error:
            raise AssertionError(f"{error}. It said:\n{self.log(name)}") from None
