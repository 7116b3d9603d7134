"""The control API, with the standard library alone."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field


class ControlError(Exception):
    """The control API rejected a call."""

    def __init__(self, status, body):
        self.status = status
        self.body = body
        self.error = body.get("error")
        self.description = body.get("error_description")
        self.pointer = body.get("pointer")
        self.expected = body.get("expected")
        text = f"{status} {self.error}: {self.description}"
        if self.pointer is not None:
            text += f" (at {self.pointer!r})"
        if self.expected is not None:
            text += f"; expected: {self.expected}"
        super().__init__(text)


@dataclass(frozen=True)
class Token:
    """A token that the control API issued. `str(token)` is the token itself."""

    value: str = field(repr=False)
    header: "dict | None"
    claims: "dict | None"
    bypassed: list

    def __str__(self):
        return self.value


@dataclass(frozen=True)
class Login:
    """A completed login: the URL to which the browser returns, and the code in it."""

    redirect_to: str
    code: "str | None"


class Fault:
    """A fault. As a context manager, it ends with the block."""

    def __init__(self, control, id):
        self._control = control
        self.id = id

    def delete(self):
        try:
            self._control.call("DELETE", f"/control/faults/{self.id}")
        except ControlError as error:
            if error.status != 404:  # It has run out.
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete()


class Clock:
    """The clock of the server."""

    def __init__(self, control):
        self._control = control

    def now(self):
        """Returns the time in seconds since 1970."""
        return self._control.call("GET", "/control/clock")["now"]

    def advance(self, seconds):
        """Moves the clock forward and returns the new time."""
        return self._control.call("POST", "/control/clock/advance", {"seconds": seconds})["now"]

    def set(self, at, frozen=False):
        """Sets the clock to a time in seconds since 1970, and returns it."""
        return self._control.call("PUT", "/control/clock", {"at": at, "frozen": frozen})["now"]

    def follow_system(self):
        """Sets the clock back to the time of the system."""
        return self._control.call("PUT", "/control/clock", {"follow": "system"})["now"]


class Control:
    """Calls the control API of a running server."""

    def __init__(self, url, token=None, timeout=90):
        self.url = url.rstrip("/")
        self.clock = Clock(self)
        self._token = token
        self._timeout = timeout
        self._of_issuer = None
        # Proxies of the environment are not for a server on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def of_issuer(self, issuer):
        """Returns a client whose calls are for another issuer, by its name or its URL."""
        other = Control(self.url, token=self._token, timeout=self._timeout)
        other._of_issuer = issuer
        return other

    def call(self, method, path, body=None):
        """Sends a request and returns the JSON of the response, or `None`."""
        if self._of_issuer is not None:
            query = urllib.parse.urlencode({"issuer": self._of_issuer})
            path += ("&" if "?" in path else "?") + query
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                text = response.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                raise ControlError(error.code, json.loads(text)) from None
            except ValueError:
                raise ControlError(error.code, {"error_description": repr(text)}) from None

    def state(self):
        """Returns the state of the server."""
        return self.call("GET", "/control")

    @property
    def issuer(self):
        return self.state()["issuer"]

    def claims(self):
        """Returns the custom claims of the seed."""
        return self.call("GET", "/control/claims")["claims"]

    def set_claims(self, claims):
        """Replaces all custom claims of the seed."""
        self.call("PUT", "/control/claims", {"claims": claims})

    def mint(self, token="access", **members):
        """Issues a token. `members` are those of `POST /control/tokens`."""
        minted = self.call("POST", "/control/tokens", {"token": token, **members})
        return Token(minted["token"], minted["header"], minted["claims"], minted["bypassed"])

    def login(self, authorization_url, user=None, error=None):
        """Takes an authorization URL to its redirect, as a user or with an error."""
        body = _given(authorization_url=authorization_url, user=user, error=error)
        login = self.call("POST", "/control/logins", body)
        return Login(login["redirect_to"], login.get("code"))

    def next_login(self, client_id, user=None, error=None, times=1):
        """Lets the next logins of a client answer by themselves."""
        body = _given(client_id=client_id, user=user, error=error, times=times)
        return self.call("POST", "/control/next-logins", body)

    def decide_device(self, user_code, user, decision="approve"):
        """Approves or denies a device as a user."""
        body = {"user_code": user_code, "user": user, "decision": decision}
        return self.call("POST", "/control/devices", body)

    def logout(self, user, session=None, flaws=()):
        """Logs a user out. Returns what each client answered to its logout token."""
        body = _given(user=user, session=session, flaws=list(flaws))
        return self.call("POST", "/control/logouts", body)["deliveries"]

    def revoke(self, **what):
        """Revokes a `token`, `grant` or `session`, or all of a `client_id` or `user`."""
        return self.call("POST", "/control/revocations", what)

    def rotate_keys(self, withdraw=None):
        """Rotates the signing keys, or withdraws one. Returns all keys."""
        return self.call("POST", "/control/keys/rotate", _given(withdraw=withdraw))["keys"]

    def fault(self, on, times=None, client_id=None, **action):
        """Makes an endpoint fail. `action` has the members of `do`."""
        body = _given(on=on, times=times, do=action)
        if client_id is not None:
            body["match"] = {"client_id": client_id}
        return Fault(self, self.call("POST", "/control/faults", body)["id"])

    def requests(self):
        """Returns what the server received, oldest first."""
        return self.call("GET", "/control/requests")["requests"]

    def verify(self, exactly=None, at_least=None, at_most=None, within_ms=0, **match):
        """Asserts what the server received; without a count, at least one request."""
        count = _given(exactly=exactly, at_least=at_least, at_most=at_most) or {"at_least": 1}
        body = {"match": match, "count": count, "within_ms": within_ms}
        try:
            return self.call("POST", "/control/requests/verify", body)["matched"]
        except ControlError as error:
            if error.status != 422:
                raise
            text = f"{error.body['matched']} requests match {match}, expected {count}"
            if error.body.get("dropped"):
                text += f"; the journal has lost {error.body['dropped']} requests"
            nearest = error.body.get("nearest")
            if nearest is not None:
                text += f"; the nearest differs in {nearest['differs']}: {nearest['request']}"
            raise AssertionError(text) from None

    def put(self, kind, name, **members):
        """Adds or replaces a user, client or resource: `put("users", "alice", password="…")`."""
        return self.call("PUT", _path(kind, name), members)

    def get(self, kind, name):
        return self.call("GET", _path(kind, name))

    def delete(self, kind, name):
        self.call("DELETE", _path(kind, name))

    def set_issuer(self, url):
        """Sets the issuer of a server that waits for it, and returns it."""
        return self.call("PUT", "/control/issuers/default", {"url": url})["issuer"]

    def reset(self, keys=False):
        """Sets the server back to its seed."""
        self.call("POST", "/control/reset", {"keys": keys})


def _given(**members):
    return {name: value for name, value in members.items() if value is not None}


def _path(kind, name):
    quoted = urllib.parse.quote(name, safe="")
    if kind == "resources":
        return f"/control/resources?identifier={quoted}"
    return f"/control/{kind}/{quoted}"
