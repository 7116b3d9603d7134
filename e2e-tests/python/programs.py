"""Programs that a test runs in the background."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

DEADLINE_SECONDS = 60

# The variables of docs/guides/outside-programs.md that make programs trust the development CA.
CA_VARIABLES = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"]


def environment_trusting(ca_file: str) -> dict[str, str]:
    """Returns the environment in which programs trust this certificate, if it is not empty.

    The programs of the virtual environment, such as `flask`, are in its path.
    """
    environment = os.environ | (dict.fromkeys(CA_VARIABLES, ca_file) if ca_file else {})
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}:/usr/sbin"
    return environment


@contextmanager
def background(command: str, folder: Path, environment: dict[str, str], name: str = "output"):
    """Runs a command in the background until the end of the `with` statement.

    It writes to `NAME.log`, which is printed if the test fails.
    """
    with open(folder / f"{name}.log", "w+") as log:
        program = subprocess.Popen(
            ["bash", "-euc", command],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield program
        except BaseException:
            log.seek(0)
            print(log.read(), file=sys.stderr)
            raise
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGTERM)
                program.wait(DEADLINE_SECONDS)


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_for(condition, what: str, program: subprocess.Popen):
    """Waits until a condition holds, as long as the program runs."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert program.poll() is None, f"the program ended; still waiting for: {what}"
        assert time.monotonic() < deadline, f"still waiting for: {what}"
        time.sleep(0.05)
