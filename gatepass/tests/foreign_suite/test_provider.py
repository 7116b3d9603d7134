"""The provider changes under the shop: users, clients, devices, the seed."""

import pytest
import requests

from conftest import CALLBACK, SEED, unused_operations
from gatepass import ControlError, Gatepass
from shop import API


def test_user_who_is_removed_cannot_log_in(gatepass, log_in):
    gatepass.delete("users", "carol")
    with pytest.raises(ControlError) as refused:
        log_in(user="carol")
    assert (refused.value.status, refused.value.pointer) == (404, "/user")
    gatepass.put("users", "carol", password="another one", claims={"name": "Carol II"})
    assert log_in(user="carol").json() == {"name": "Carol II"}


def test_client_and_resource_come_and_go(gatepass):
    gatepass.put("resources", "https://stock.shop.example", scopes="stock:read")
    stock = gatepass.get("resources", "https://stock.shop.example")
    assert stock["scopes"] == "stock:read"
    gatepass.put(
        "clients",
        "stocktaker",
        client_secret="of the stocktaker",
        scopes="stock:read",
        resources=["https://stock.shop.example"],
    )
    token = gatepass.mint(client_id="stocktaker")
    assert token.claims["aud"] == "https://stock.shop.example"
    gatepass.delete("clients", "stocktaker")
    gatepass.delete("resources", "https://stock.shop.example")
    with pytest.raises(ControlError, match="stocktaker"):
        gatepass.mint(client_id="stocktaker")


def test_claims_are_replaced(gatepass):
    assert gatepass.call("GET", "/control/claims")["claims"] == SEED["claims"]
    claims = [{"name": "tenant", "from": {"value": "south"}, "in": ["access_token"]}]
    gatepass.call("PUT", "/control/claims", {"claims": claims})
    assert gatepass.mint(client_id="worker").claims["tenant"] == "south"
    gatepass.call("DELETE", "/control/claims")
    assert "tenant" not in gatepass.mint(client_id="worker").claims


@pytest.mark.parametrize(
    ("decision", "status", "error"),
    [("approve", 200, None), ("deny", 400, "access_denied")],
)
def test_device_waits_for_its_user(gatepass, decision, status, error):
    device = requests.post(
        f"{gatepass.issuer}/oauth/device_authorization",
        data={"client_id": "tv", "scope": "openid"},
        timeout=10,
    ).json()
    gatepass.decide_device(device["user_code"], "dave", decision)
    polled = requests.post(
        f"{gatepass.issuer}/oauth/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": "tv",
            "device_code": device["device_code"],
        },
        timeout=10,
    )
    assert (polled.status_code, polled.json().get("error")) == (status, error)


def test_server_starts_with_the_seed_of_another(gatepass):
    seed = gatepass.call("GET", "/control/seed")
    assert [user["username"] for user in seed["users"]] == ["carol", "dave"]
    issuer = seed.pop("issuer")
    with Gatepass(seed=seed, issuer="late") as other:
        not_yet = requests.get(f"{other.address}/.well-known/jwks.json", timeout=10)
        assert not_yet.status_code == 503
        other.set_issuer(other.address)
        copied = other.call("GET", "/control/seed")
        assert copied.pop("issuer") == other.address != issuer
        assert copied == seed


def test_code_without_a_login(gatepass):
    code = gatepass.mint("code", client_id="website", user="carol", redirect_uri=CALLBACK)
    token = requests.post(
        f"{gatepass.issuer}/oauth/token",
        data={"grant_type": "authorization_code", "code": str(code), "redirect_uri": CALLBACK},
        auth=("website", "of the website"),
        timeout=10,
    )
    assert token.status_code == 200
    assert token.json()["scope"].split()[-1] == "orders:read"
    assert API in SEED["clients"][0]["resources"]


def test_suite_uses_every_call(gatepass):
    openapi = gatepass.call("GET", "/control/openapi.json")
    assert unused_operations(openapi) == []
