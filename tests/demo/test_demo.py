"""The demo: probes find its faults, and find them gone once it is cured."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from demo.__main__ import declared_port, main
from demo.faults import FAULTS, Faults
from demo.service import FRONTEND, Demo
from readiness.probes.runtime.cors_hostile import cors_hostile
from readiness.probes.runtime.cors_production import cors_production
from readiness.probes.runtime.health import health
from readiness.probes.runtime.health_dependencies import health_dependencies
from readiness.probes.runtime.security_headers import security_headers
from tests.readiness.probes.targets import look
from tickets.scoring import Status

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(faults: Faults) -> Iterator[Demo]:
    demo = Demo(0, faults)
    thread = threading.Thread(target=demo.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield demo
    finally:
        demo.shutdown()
        demo.server_close()
        thread.join()


def readings(url: str) -> dict[str, Status]:
    """Return what the probes say of the demo, the worst for each criterion."""
    probes = (health, health_dependencies, cors_production, cors_hostile, security_headers)
    findings = [
        finding
        for probe in probes
        for finding in look(
            probe,
            url,
            health_path="/health",
            frontend_origins=(FRONTEND,),
            api_paths=("/api/books",),
            dependencies=("postgres", "redis"),
        )
    ]
    return {
        finding.criterion: finding.status for finding in sorted(findings, key=lambda one: one.status != "ok")
    }


def test_probes_find_every_fault() -> None:
    with running(Faults()) as demo:
        assert readings(demo.url) == {
            "hlt.live": Status.OK,
            "hlt.deep": Status.MISSING,
            "cfg.cors-origins": Status.FAILING,
            "sec.cors-hostile": Status.RISKY,
            "sec.headers": Status.MISSING,
        }


def test_probes_find_nothing_once_all_is_cured() -> None:
    with running(Faults(always=frozenset(FAULTS))) as demo:
        assert set(readings(demo.url).values()) == {Status.OK}


@pytest.mark.parametrize(
    ("fault", "criterion"), [("cors", "cfg.cors-origins"), ("health", "hlt.deep"), ("headers", "sec.headers")]
)
def test_a_fault_is_cured_and_brought_back_while_the_demo_runs(
    tmp_path: Path, fault: str, criterion: str
) -> None:
    state = tmp_path / "var" / "demo.json"
    with running(Faults(state)) as demo:
        assert main(["--state", str(state), "fix", fault]) == 0
        assert readings(demo.url)[criterion] == Status.OK

        assert main(["--state", str(state), "break", fault]) == 0
        assert readings(demo.url)[criterion] != Status.OK


def test_all_faults_are_meant_when_none_is_named(tmp_path: Path) -> None:
    faults = Faults(tmp_path / "demo.json")

    main(["--state", str(faults.file), "fix"])
    assert faults.cured() == frozenset(FAULTS)
    main(["--state", str(faults.file), "break"])
    assert faults.cured() == frozenset()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fixed": 3}', '{"fixed": ["nonsense"]}', "null"])
def test_a_broken_state_file_cures_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)

    assert Faults(tmp_path / "demo.json").cured() == frozenset()


@pytest.mark.parametrize(
    "arguments", [["fix", "nonsense"], ["--fix", "nonsense"], ["--port", "x"], ["nonsense"]]
)
def test_a_wrong_input_is_a_sentence_and_exit_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "nonsense" in (said := capsys.readouterr().err) or "--port" in said


def test_the_script_serves_until_it_is_stopped(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "demo",
        "--port",
        "0",
        "--state",
        str(tmp_path / "state.json"),
        "--fix",
        "cors",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = process.stdout.readline()
        url = said.split()[4].rstrip(".")
        try:
            assert urlsplit(url).hostname == "127.0.0.1"
            assert readings(url)["cfg.cors-origins"] == Status.OK
            assert "Cured: cors." in said
        finally:
            process.terminate()


def test_a_port_in_use_is_a_sentence_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with running(Faults()) as demo:
        assert main(["--port", str(urlsplit(demo.url).port)]) == 2

    assert "Choose another with --port." in capsys.readouterr().err


def test_the_script_says_what_is_cured(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    for arguments, said in (
        (["fix", "cors"], f"Faulty: {', '.join(FAULTS[1:])}. Cured: cors.\n"),
        (["status"], f"Faulty: {', '.join(FAULTS[1:])}. Cured: cors.\n"),
        (["break"], f"Faulty: {', '.join(FAULTS)}. Cured: nothing.\n"),
    ):
        command = [str(ROOT / "script" / "demo"), "--state", state, *arguments]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == said


def test_two_installations_from_one_checkout_have_faults_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAR_DIR")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "env"))
    (tmp_path / "env").write_text(f"SECRET_KEY=x\nVAR_DIR={tmp_path}\nDEMO_URL=http://127.0.0.1:8123\n")

    assert main(["fix", "cors"]) == 0

    assert Faults(tmp_path / "demo.json").cured() == {"cors"}
    assert (tmp_path / "demo-repository" / ".git").is_dir()
    assert declared_port() == 8123
