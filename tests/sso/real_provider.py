"""npm's `oidc-provider` on loopback: installed once into the user's cache, started by a test."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PACKAGE, VERSION = "oidc-provider", "9.13.3"
SCRIPT = Path(__file__).with_name("provider.mjs")
INSTALL = (
    *("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"),
    # Where there is no registry, the tests are skipped at once.
    *("--fetch-retries=0", "--fetch-timeout=30000"),
)
INSTALL_SECONDS = 90


def installed() -> Path:
    """Return the package's main module; skip the test where it cannot be had."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, so there is no real provider to sign in at")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "mbs" / f"{PACKAGE}-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / "complete"
    with (folder / "lock").open("w") as lock:
        # Test processes race to install it; the lock goes with the file.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            place = ["--prefix", str(folder), f"{PACKAGE}@{VERSION}"]
            try:
                subprocess.run([*INSTALL, *place], check=True, capture_output=True, timeout=INSTALL_SECONDS)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"npm cannot install {PACKAGE}@{VERSION} here ({type(error).__name__})")
            complete.touch()
    return folder / "node_modules" / PACKAGE / "lib" / "index.js"


@contextmanager
def real_provider(port: int, clients: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Serve the provider on a port for some clients; give its issuer."""
    main = installed()
    settings = json.dumps({"port": port, "clients": clients})
    process = subprocess.Popen(
        ["node", str(SCRIPT), str(main), settings],
        env={"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "ready":
                break
        else:
            raise AssertionError(f"the provider did not start: {process.wait()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
