"""The package against a server: GATEPASS_BINARY=… pytest"""

import subprocess
import sys
import time
import urllib.request
from urllib.error import HTTPError, URLError

import pytest

from gatepass import Control, ControlError, Gatepass

pytest_plugins = ["pytester"]


def status(url):
    try:
        with urllib.request.urlopen(url) as response:
            return response.status
    except HTTPError as error:
        return error.code


def test_token_has_the_claims_that_the_test_demands(gatepass):
    token = gatepass.mint(client_id="service-a", claims={"roles": ["admin"]})
    assert token.claims["roles"] == ["admin"]
    assert token.claims["iss"] == gatepass.issuer
    assert str(token).count(".") == 2
    assert str(token) not in repr(token)


def test_fault_ends_with_its_block(gatepass):
    keys = f"{gatepass.issuer}/.well-known/jwks.json"
    with gatepass.fault("jwks", status=503) as fault:
        assert status(keys) == 503
    assert status(keys) == 200
    assert gatepass.verify(endpoint="jwks", fault_id=fault.id, exactly=1) == 1


def test_failed_assertion_names_the_nearest_request(gatepass):
    status(f"{gatepass.issuer}/.well-known/jwks.json")
    with pytest.raises(AssertionError, match="differs in .'status'"):
        gatepass.verify(endpoint="jwks", status=500)


def test_login_needs_no_browser(gatepass):
    url = (
        f"{gatepass.issuer}/oauth/authorize?client_id=service-a&response_type=code&scope=openid"
        "&redirect_uri=http://localhost:9001/callback/platform&state=s"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    )
    assert gatepass.login(url, user="alice").code.startswith("gpac_")
    assert "error=access_denied" in gatepass.login(url, error="access_denied").redirect_to


def test_clock_moves(gatepass):
    before = gatepass.clock.now()
    assert gatepass.clock.advance(3600) >= before + 3600
    assert gatepass.clock.set(1_800_000_000, frozen=True) == gatepass.clock.now()
    gatepass.clock.follow_system()


def test_each_test_begins_with_the_seed(gatepass):
    assert gatepass.requests() == []
    assert gatepass.call("GET", "/control/faults") == {"faults": []}


def test_rejection_names_the_member(gatepass):
    with pytest.raises(ControlError) as rejected:
        gatepass.mint(client_id="service-a", flaws=["no_such_flaw"])
    assert (rejected.value.status, rejected.value.pointer) == (400, "/flaws/0")


def test_servers_run_beside_each_other(gatepass):
    with Gatepass() as other:
        assert other.issuer != gatepass.issuer
        assert other.state()["issuer"] == other.issuer


def test_server_that_does_not_start_shows_its_log():
    broken = {"GATEPASS__AUTH_SERVER__CLIENTS_FILE": "no-such-file.toml"}
    with pytest.raises(RuntimeError, match="no-such-file.toml"):
        Gatepass(environment=broken)
    with pytest.raises(RuntimeError, match="did not start"):
        Gatepass(start_timeout=0)


def test_binary_that_does_not_exist_is_not_replaced_by_another(monkeypatch):
    with pytest.raises(FileNotFoundError, match="argument `binary`.*no-such-binary"):
        Gatepass(binary="no-such-binary")
    monkeypatch.setenv("GATEPASS_BINARY", "no-such-binary")
    with pytest.raises(FileNotFoundError, match="GATEPASS_BINARY.*no-such-binary"):
        Gatepass()


def test_server_starts_whatever_it_logs():
    with Gatepass(environment={"GATEPASS__AUTH_SERVER__LOG__FILTER": "error"}) as quiet:
        assert quiet.state()["issuer"] == quiet.issuer


def test_control_token_is_sent():
    with Gatepass(token="the-control-token") as protected:
        assert protected.state()["issuer"] == protected.issuer
        with pytest.raises(ControlError) as rejected:
            Control(protected.url).state()
        assert rejected.value.status == 401


def test_server_stops_when_its_tests_are_killed():
    script = (
        "from gatepass import Gatepass; import time; "
        "server = Gatepass(); print(server.address, flush=True); time.sleep(60)"
    )
    tests = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    address = tests.stdout.readline().strip()
    assert status(f"{address}/.well-known/jwks.json") == 200
    tests.kill()
    tests.wait()
    deadline = time.monotonic() + 10
    with pytest.raises((URLError, ConnectionError)):
        while time.monotonic() < deadline:
            status(f"{address}/.well-known/jwks.json")


def test_server_has_its_own_seed():
    seed = {
        "resources": [{"identifier": "https://orders.example", "scopes": "orders:read"}],
        "clients": [
            {
                "client_id": "shop",
                "client_secret": "of the shop",
                "scopes": "orders:read",
                "resources": ["https://orders.example"],
            }
        ],
        "users": [{"username": "carol", "password": "of carol"}],
    }
    with Gatepass(seed=seed) as server:
        assert server.get("users", "carol")["password"] == "of carol"
        assert server.mint(client_id="shop").claims["aud"] == "https://orders.example"
        assert server.state()["clients"] == 1


def test_rotated_key_signs(gatepass):
    before = {key["kid"] for key in gatepass.rotate_keys() if key["state"] == "retired"}
    assert gatepass.mint(client_id="service-a").header["kid"] not in before


def test_revocation_names_the_token(gatepass):
    token = gatepass.mint(client_id="service-a")
    assert gatepass.revoke(token=str(token))["tokens"] == [token.claims["jti"]]


def test_calls_are_for_the_issuer_that_they_name():
    issuers = [{"name": "tenant", "issuer": "/tenant", "users": []}]
    users = [{"username": "carol", "password": "of carol"}]
    with Gatepass(seed={"users": users, "issuers": issuers}) as server:
        tenant = server.of_issuer("tenant")
        assert tenant.issuer == server.issuer + "/tenant"
        assert (tenant.state()["users"], server.state()["users"]) == (0, 1)
        with pytest.raises(ControlError) as rejected:
            server.of_issuer("nobody").reset()
        assert rejected.value.error == "unknown_issuer"


def test_custom_claims_are_replaced(gatepass):
    claim = {"name": "tenant", "from": {"value": "a"}, "in": ["access_token"]}
    gatepass.set_claims([claim])
    assert gatepass.claims() == [claim]
    assert gatepass.mint(client_id="service-a").claims["tenant"] == "a"


def test_fixture_resets_every_issuer(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def gatepass_seed():
            return {"issuers": [{"name": "tenant", "issuer": "/tenant"}]}

        @pytest.mark.parametrize("run", [1, 2])
        def test_begins_with_the_seed(gatepass, run):
            tenant = gatepass.of_issuer("tenant")
            assert tenant.call("GET", "/control/faults") == {"faults": []}
            tenant.fault("jwks", status=503)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)
