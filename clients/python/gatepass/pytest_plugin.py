"""The fixture `gatepass`: a server that starts once, and is reset before each test.

Override the fixture `gatepass_seed` to give the server clients and users of your own, and
`gatepass_environment` for other settings.
"""

import pytest

from .server import Gatepass


@pytest.fixture(scope="session")
def gatepass_seed():
    """The seed of the server; `None` for the clients and users of the demo."""
    return None


@pytest.fixture(scope="session")
def gatepass_environment():
    """Further settings of the server, by environment variable."""
    return None


@pytest.fixture(scope="session")
def _gatepass_server(gatepass_seed, gatepass_environment):
    with Gatepass(seed=gatepass_seed, environment=gatepass_environment) as server:
        yield server


@pytest.fixture
def gatepass(_gatepass_server):
    # Each issuer is reset on its own, the one of the settings last: it resets the clock, too.
    for issuer in reversed(_gatepass_server.state()["issuers"]):
        _gatepass_server.of_issuer(issuer["name"]).reset()
    return _gatepass_server
