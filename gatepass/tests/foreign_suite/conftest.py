"""Fixtures of the shop's tests. They use what docs/testing.md describes, and nothing else."""

import re
import threading

import pytest
import requests
from werkzeug.serving import make_server

from gatepass import Control
from shop import API, api, website

CALLBACK = "http://localhost:5000/callback"

SEED = {
    "resources": [{"identifier": API, "scopes": "orders:read orders:write"}],
    "clients": [
        {
            "client_id": "worker",
            "client_secret": "of the worker",
            "scopes": "orders:read",
            "resources": [API],
        },
        {
            "client_id": "website",
            "client_secret": "of the website",
            "scopes": "openid profile offline_access orders:read",
            "resources": [API],
            "login": {"redirect_uris": [CALLBACK]},
        },
        {"client_id": "tv", "scopes": "openid", "login": {"public": True}},
    ],
    "users": [
        {"username": "carol", "password": "of carol", "claims": {"name": "Carol Danvers"}},
        {"username": "dave", "password": "of dave", "claims": {"name": "Dave Lister"}},
    ],
    "claims": [{"name": "tenant", "from": {"value": "north"}, "in": ["access_token"]}],
    "looseness": ["redirect.any_loopback_port"],
}

# The calls of the control API that the suite has made, as method and path.
CALLED = set()


@pytest.fixture(scope="session")
def gatepass_seed():
    return SEED


@pytest.fixture(scope="session", autouse=True)
def recorded_calls():
    """Records every call, and compares them with the OpenAPI document at the end."""
    call = Control.call

    def recorded(self, method, path, body=None):
        CALLED.add((method, path.split("?")[0]))
        return call(self, method, path, body)

    Control.call = recorded
    yield
    Control.call = call


def pytest_collection_modifyitems(items):
    """The comparison of the calls comes last."""
    items.sort(key=lambda item: item.name == "test_suite_uses_every_call")


def unused_operations(openapi):
    """The operations of the document that no test has called."""

    def is_called(method, template):
        pattern = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template))
        return any(m == method and pattern.fullmatch(path) for m, path in CALLED)

    return [
        f"{method.upper()} {path}"
        for path, operations in openapi["paths"].items()
        for method in operations
        if not is_called(method.upper(), path)
    ]


class Served:
    """An application on a port of its own."""

    def __init__(self, app):
        self.app = app
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://localhost:{self._server.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()


@pytest.fixture
def shop_api(gatepass):
    client = api(gatepass.issuer).test_client()

    def get(token):
        return client.get("/orders", headers={"Authorization": f"Bearer {token}"})

    return get


@pytest.fixture
def shop(gatepass):
    """The website, which its provider can call."""
    served = Served(website(gatepass.issuer, "website", "of the website"))
    client = gatepass.get("clients", "website")
    client["login"]["backchannel_logout_uri"] = f"{served.url}/backchannel-logout"
    gatepass.put("clients", "website", **client)
    yield served
    served.close()


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


@pytest.fixture
def log_in(gatepass, shop, browser):
    """Logs a user in at the website, as a browser would, without C's pages."""

    def run(user=None, error=None):
        away = browser.get(f"{shop.url}/login", allow_redirects=False)
        login = gatepass.login(away.headers["Location"], user=user, error=error)
        return browser.get(login.redirect_to)

    return run
