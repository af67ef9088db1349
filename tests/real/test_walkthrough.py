"""The walkthrough is true: every command on it runs, and prints what it shows."""

import re
import subprocess
from pathlib import Path

from django.conf import settings

from tests.live import answers, free_port, wait_until
from tests.real.test_server import checkout, environment, server

# It makes its own database, SQLite.
LEGS = {"sqlite"}
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
MARK = "=== block {} ==="

__all__ = ["checkout"]


def blocks() -> list[tuple[str, list[str]]]:
    """Return the shell blocks of the page, each with the lines that it promises."""
    page = (settings.BASE_DIR / "docs/walkthrough.md").read_text()
    return [(code, (shown or "").splitlines()) for code, shown in BLOCK.findall(page)]


def test_every_command_of_the_walkthrough_prints_what_the_page_shows(checkout: Path) -> None:
    port = free_port()
    code = "\n".join(f"echo '{MARK.format(number)}'\n{block}" for number, (block, _) in enumerate(blocks()))
    with server(checkout, port):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), what="worker and scheduler")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=checkout,
            env=environment(port),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = re.split("|".join(re.escape(MARK.format(number)) for number in range(len(blocks()))), done.stdout)[
        1:
    ]
    for (block, promised), output in zip(blocks(), said, strict=True):
        for line in promised:
            assert line in output, f"{block}\nprinted\n{output}\n{done.stderr}"
