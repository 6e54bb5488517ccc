"""What the product refuses to start with, and what it makes by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STRONG = "kX9-" + "".join(chr(97 + n % 26) + str(n % 10) for n in range(40))


def check(directory: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    dropped = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DJANGO_ALLOW_ASYNC_UNSAFE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(
        command, cwd=ROOT, env=kept | {"FLOWDECK_VAR": str(directory)} | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ALLOWED_HOSTS": "flow.example"}, "SECRET_KEY"),
        ({"SECRET_KEY": "short", "ALLOWED_HOSTS": "flow.example"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 80, "ALLOWED_HOSTS": "flow.example"}, "SECRET_KEY"),
        ({"SECRET_KEY": STRONG}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": STRONG, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
    ],
)
def test_production_refuses_to_start_unsafely(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    done = check(tmp_path, DEBUG="false", **environment)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"RATE_LIMITS": "600"}, "RATE_LIMITS"),
        ({"RATE_LIMITS": "mutations=0"}, "RATE_LIMITS"),
        ({"RATE_LIMITS": "mutations=600,dreams=5"}, "RATE_LIMITS"),
        ({"TIME_ZONE": "Mars/Olympus"}, "Mars/Olympus"),
        ({"RETENTION": "executions=0"}, "RETENTION"),
        ({"RETENTION": "everything=5"}, "RETENTION"),
        ({"OIDC_ISSUER": "http://idp.example", "OIDC_CLIENT_ID": "x"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://idp.example"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "https://idp.example", "OIDC_CLIENT_ID": "x", "OIDC_DOMAINS": "a.example=acme:owner"}, "OIDC_DOMAINS"),
    ],
)
def test_without_debug_what_is_unsafe_or_not_understood_is_refused(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    done = check(tmp_path, **environment)
    assert done.returncode != 0
    assert said in done.stderr


BY_DEFAULT = {"organisation_mutations": 3000, "organisation_reads": 30000, "mutations": 600, "reads": 6000}


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ("off", {}),
        ("", BY_DEFAULT),
        ("mutations=600,reads=6000", BY_DEFAULT),
        ("mutations=50", BY_DEFAULT | {"mutations": 50, "organisation_mutations": 250}),
        ("organisation_reads=7000", BY_DEFAULT | {"organisation_reads": 7000}),
    ],
)
def test_rate_limits_are_understood(tmp_path: Path, limits: str, found: dict[str, int]) -> None:
    command = [sys.executable, "-c", "from config.settings import RATE_LIMITS; print(RATE_LIMITS)"]
    environment = os.environ | {"FLOWDECK_VAR": str(tmp_path), "RATE_LIMITS": limits}
    environment.pop("SECRET_KEY", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(found)


def test_production_passes_djangos_own_checks(tmp_path: Path) -> None:
    done = check(tmp_path, DEBUG="false", SECRET_KEY=STRONG, ALLOWED_HOSTS="flow.example")
    assert done.returncode == 0, done.stderr


def test_without_settings_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    check(tmp_path)
    path = tmp_path / "secret_key"
    secret = path.read_text()
    assert len(secret) > 50
    assert path.stat().st_mode & 0o077 == 0
    check(tmp_path)
    assert path.read_text() == secret


def test_another_database_is_refused(tmp_path: Path) -> None:
    assert "not supported" in check(tmp_path, DATABASE_URL="mysql://x/y").stderr


def test_cookies_of_production_are_of_this_host_only_and_no_scripts(tmp_path: Path) -> None:
    said = (
        "import django; django.setup(); from django.conf import settings as s; from django.test import Client; "
        "answer = Client(headers={'host': 'flow.example'}).get('/login', secure=True); "
        "print(answer.cookies.output()); print(answer.headers['Strict-Transport-Security']); "
        "print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE)"
    )
    production = {"DEBUG": "false", "SECRET_KEY": STRONG, "ALLOWED_HOSTS": "flow.example", "FLOWDECK_VAR": str(tmp_path)}
    environment = os.environ | production | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    cookie, transport, session = done.stdout.splitlines()
    assert cookie.startswith("Set-Cookie: __Host-flowdeck-csrf=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert transport == "max-age=31536000; includeSubDomains; preload"
    assert session == "__Host-flowdeck True True Lax"
