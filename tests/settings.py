"""The product's own settings, with what makes tests quick and their database a real file."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests only, of no value: 0123456789 abcdefghijklmnopqrstuvwxyz")
os.environ.setdefault("RATE_LIMITS", "off")
os.environ.setdefault("FLOWDECK_VAR", str(Path(tempfile.gettempdir()) / f"flowdeck-tests-{os.getuid()}"))

from config.settings import *  # noqa: F403
from config.settings import DATABASES, VAR_DIR

VAR_DIR.mkdir(parents=True, exist_ok=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads then meet the same locks as in production.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}
else:
    # A pool keeps connections open, and a database with open connections cannot be dropped.
    DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
