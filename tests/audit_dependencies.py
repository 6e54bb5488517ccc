"""Are there known vulnerabilities in what the lock names? Fails on any; says so plainly when the advisories could not be asked."""

import json
import subprocess
import sys

COMMAND = ["pip-audit", "-r", "requirements.lock", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
SECONDS = 120


def main() -> int:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *COMMAND[1:]], capture_output=True, text=True, check=False, timeout=SECONDS
        )
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("pip-audit: NOT CHECKED, the advisory service does not answer")
        return 0
    checked = [package for package in packages if "skip_reason" not in package]
    found = [(package["name"], package["version"], each["id"]) for package in checked for each in package["vulns"]]
    for name, version, advisory in found:
        print(f"pip-audit: {name} {version}: {advisory}")
    left = len(packages) - len(checked)
    print(f"pip-audit: {len(checked)} of {len(packages)} packages checked" + (f", {left} NOT CHECKED" if left else ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
