"""Tests that the installation for a team can start: commands exist, variables are known, images are fixed."""

import ast
import re
from importlib import import_module
from typing import Any

import pytest
import yaml
from celery.bin.celery import celery as celery_command
from click import Command, Group
from django.conf import settings
from django.core.management import get_commands
from granian.cli import cli as granian_command

from tests.live import procfile

ROOT = settings.BASE_DIR
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
# Which file the settings read cannot stand in that file.
NOT_IN_THE_FILE = {"ENV_FILE"}
# Used by docker-compose.yml to make DATABASE_URL.
OF_COMPOSE = {"POSTGRES_PASSWORD"}


def instructions(word: str) -> list[str]:
    """Return what follows each instruction of the Dockerfile with this word, continuation lines joined."""
    return re.findall(rf"^{word} +(.+)$", DOCKERFILE, re.MULTILINE)


def variables_of_the_settings() -> set[str]:
    """Return the names that settings.py asks the environment for."""
    settings_file = ast.parse((ROOT / "readiness/settings.py").read_text())
    return {
        str(ast.literal_eval(call.args[0]))
        for call in ast.walk(settings_file)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
    }


def command_of(service: str) -> list[str]:
    """Return the words that a container of ours runs: its own command, or the image's."""
    own: list[str] | None = SERVICES[service].get("command")
    return own if own else yaml.safe_load(instructions("CMD")[-1])


def options_of(command: Command) -> set[str]:
    """Return every option that a command and its subcommands know."""
    options = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    if isinstance(command, Group):
        options |= {name for sub in command.commands.values() for name in options_of(sub)}
    return options


def assert_can_run(words: list[str]) -> None:
    """Fail unless the program, its options and what they name exist."""
    program, *arguments = words
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
        return
    known = {"granian": granian_command, "celery": celery_command}[program]
    named = {word for word in arguments if word.startswith("--")}
    assert named <= options_of(known)
    if program == "granian":
        module, attribute = arguments[-1].split(":")
        assert callable(getattr(import_module(module), attribute))
    else:
        assert import_module(arguments[arguments.index("--app") + 1]).app.main == "readiness"


def queues_in(words: list[str]) -> set[str]:
    """Return the queues that a worker's command line listens to."""
    return set(words[words.index("--queues") + 1].split(","))


def queues_used() -> set[str]:
    """Return the queues that the settings send tasks to."""
    routes: dict[str, dict[str, str]] = settings.CELERY_TASK_ROUTES
    return {route["queue"] for route in routes.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE}


@pytest.mark.parametrize("service", OURS)
def test_every_command_of_the_containers_exists(service: str) -> None:
    assert_can_run(command_of(service))


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_every_command_of_the_procfile_exists(name: str) -> None:
    line = re.sub(r"\$\{\w+:-([^}]*)\}|\$(\w+)", lambda found: found[1] or "1", procfile()[name])

    assert_can_run(line.removeprefix("exec ").split())


def test_the_demo_of_the_procfile_is_a_script_of_ours() -> None:
    assert (ROOT / procfile()["demo"].removeprefix("exec ")).stat().st_mode & 0o111


def test_the_workers_listen_to_every_queue() -> None:
    assert queues_in(command_of("worker")) >= queues_used()
    assert queues_in(procfile()["worker"].split()) >= queues_used()


@pytest.mark.parametrize("service", OURS)
def test_every_variable_of_the_containers_is_known_to_the_settings(service: str) -> None:
    assert SERVICES[service]["env_file"] == [".env"]
    assert set(SERVICES[service]["environment"]) <= variables_of_the_settings()


def test_the_example_environment_lists_exactly_what_is_read() -> None:
    listed = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert len(listed) == len(set(listed))
    assert set(listed) == variables_of_the_settings() - NOT_IN_THE_FILE | OF_COMPOSE


def test_what_compose_asks_the_environment_for_is_in_the_example() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert asked <= listed


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_waits_for_services_and_keeps_files_in_volumes_that_exist(service: str) -> None:
    waits_for = SERVICES[service].get("depends_on", {})
    for name, condition in waits_for.items():
        assert name in SERVICES
        if condition["condition"] == "service_healthy":
            assert "test" in SERVICES[name]["healthcheck"]
    for volume in SERVICES[service].get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]


def test_only_the_web_server_listens_outside_and_only_on_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_every_long_running_service_has_a_health_check() -> None:
    assert instructions("HEALTHCHECK")
    for name in set(SERVICES) - {"web", "migrate"}:
        assert SERVICES[name]["healthcheck"]["test"], name


def test_redis_keeps_every_message() -> None:
    command = SERVICES["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_every_image_is_pinned() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    images += re.findall(r"^ARG PYTHON_IMAGE=(\S+)", DOCKERFILE, re.MULTILINE)

    assert len(images) == 3
    for image in images:
        assert re.search(r":\d+\.\d+", image), image
    assert all(base.startswith("${PYTHON_IMAGE}") for base in instructions("FROM"))


def test_the_image_copies_what_exists_and_its_ignore_file_lets_it_through() -> None:
    let_through = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copied = [line.split() for line in instructions("COPY") if not line.startswith("--from")]

    for source in [source for *sources, _target in copied for source in sources]:
        assert (ROOT / source).exists(), source
        assert source in let_through, source


def test_the_image_runs_as_nobody_in_particular() -> None:
    (user,) = instructions("USER")

    assert user == "readiness"
    assert "--uid 10001" in DOCKERFILE
    for service in OURS:
        assert SERVICES[service]["read_only"] is True
        assert SERVICES[service]["cap_drop"] == ["ALL"]


def test_the_image_installs_the_libraries_that_bootstrap_installs() -> None:
    bootstrap = (ROOT / "script/bootstrap").read_text()
    libraries = set(re.findall(r"\.so\.\d:(\S+?)[\s;]", bootstrap))

    assert len(libraries) == 5
    assert libraries <= set(DOCKERFILE.split())
