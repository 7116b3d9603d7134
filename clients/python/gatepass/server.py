"""Starts a server for tests."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
from collections import deque
from pathlib import Path

from .control import Control, ControlError

_BINARY = Path(__file__).parent / "bin" / "gatepass"
_STARTS = "auth-server starts to serve"
_SETTINGS = "GATEPASS__AUTH_SERVER__"
_SECONDS_BETWEEN_ATTEMPTS = 0.01


class Gatepass(Control):
    """A server of its own, on free ports. Nothing of it stays on disk.

    `seed` has its clients, resources, users and claims, as a dictionary or as text in TOML or JSON;
    without it, they are those of the demo. `environment` has further settings, such as
    `{"GATEPASS__AUTH_SERVER__KEYS__ALGORITHM": "RS256"}`. `token` protects the control API. Raises
    `RuntimeError` with the log if the server is not ready after `start_timeout` seconds.

    With `issuer="late"` the server waits for `set_issuer`; `address` is where it listens.
    """

    def __init__(
        self,
        seed=None,
        environment=None,
        issuer="http://localhost:0",
        binary=None,
        token=None,
        start_timeout=30,
    ):
        environment = dict(environment or {})
        token = token or environment.get(_SETTINGS + "CONTROL__TOKEN") or None
        if token is not None:
            environment[_SETTINGS + "CONTROL__TOKEN"] = token
        log_filter = environment.get(_SETTINGS + "LOG__FILTER") or "info"
        self._folder = tempfile.TemporaryDirectory(prefix="gatepass-")
        # Options, because an empty environment variable counts as unset.
        settings = {
            "data_dir": self._folder.name,
            "listen": "127.0.0.1:0",
            "issuer": issuer,
            "tls_listen": "",
            "manage_listen": "",
            "control.listen": "127.0.0.1:0",
            "control.stop_at_end_of_input": "true",
            "log.format": "json",
            # The line with the addresses is read from the log.
            "log.filter": f"{log_filter},auth_server::cli::serve=info",
        }
        if seed is not None:
            # A file, because an environment variable is limited to 128 KiB.
            file = Path(self._folder.name) / "seed"
            file.write_text(seed if isinstance(seed, str) else json.dumps(seed), encoding="utf-8")
            settings["control.seed_file"] = str(file)
        options = [word for k, v in settings.items() for word in ("--set", f"{k}={v}")]
        ours = ("GATEPASS__", "GATEPASS_SEED")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self._log = deque(maxlen=200)
        self._process = subprocess.Popen(
            [_binary(binary), "auth-server", *options],
            env={**inherited, **environment},
            # The server stops when it closes, even if this process is killed.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._started = None
        self._start_read = threading.Event()
        # The log must be read, or the server waits for it.
        threading.Thread(target=self._read_log, daemon=True).start()
        try:
            self._await_start(token, time.monotonic() + start_timeout)
        except BaseException:
            self.close()
            raise

    def _read_log(self):
        for line in self._process.stdout:
            self._log.append(line)
            if self._started is None and _STARTS in line:
                self._started = _start_of(line)
                if self._started is not None:
                    self._start_read.set()
        # The server has ended.
        self._start_read.set()

    def _await_start(self, token, deadline):
        """Waits until the server answers. It logs its addresses before it is ready."""
        self._start_read.wait(max(0, deadline - time.monotonic()))
        if self._started is None:
            raise self._not_started()
        super().__init__(f"http://{self._started['control']}", token=token)
        self._issuer = self._started["issuer"]
        self.address = f"http://{self._started['http']}"
        while True:
            try:
                self.state()
                return
            except (urllib.error.URLError, ConnectionError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise self._not_started() from None
                time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            except ControlError as error:
                if error.error == "issuer_not_set":
                    return
                raise RuntimeError(f"the control API rejects the first call: {error}") from None

    def _not_started(self):
        self._process.kill()
        self._process.wait()
        return RuntimeError(f"gatepass did not start:\n{self.log()}")

    @property
    def issuer(self):
        return self._issuer

    def set_issuer(self, url):
        self._issuer = super().set_issuer(url)
        return self._issuer

    def log(self):
        """Returns the last lines of the server's log."""
        return "".join(list(self._log))

    def close(self):
        """Stops the server."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _start_of(line):
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if fields.get("message") == _STARTS else None


def _binary(named):
    """Returns the binary: the named one, `GATEPASS_BINARY`, that of the wheel, or on the PATH."""
    chosen = named or os.environ.get("GATEPASS_BINARY")
    if chosen and not Path(chosen).is_file():
        # Another version, found elsewhere, would be tested in its place.
        source = "the argument `binary`" if named else "GATEPASS_BINARY"
        raise FileNotFoundError(f"{source} names a file that does not exist: {chosen}")
    for candidate in (chosen, _BINARY, shutil.which("gatepass")):
        if candidate and Path(candidate).is_file():
            return str(Path(candidate).resolve())
    raise FileNotFoundError("no gatepass binary: set GATEPASS_BINARY, or install the wheel with it")
