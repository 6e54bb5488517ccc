"""The browser of the machine."""

import shutil


def find_chromium() -> str:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is not installed"
    return path
