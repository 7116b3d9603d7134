"""The API refuses what it must, and survives a provider that fails."""

import pytest
import requests

from shop import API

REFUSED = [
    "signature",
    "foreign_key",
    "unknown_kid",
    "alg_none",
    "hs256_with_public_key",
    "wrong_typ",
    "wrong_issuer",
    "wrong_audience",
    "expired",
    "no_exp",
    "no_sub",
]


def test_token_of_the_worker_is_accepted(gatepass, shop_api):
    token = gatepass.mint(client_id="worker", scope="orders:read")
    assert token.claims["tenant"] == "north"
    assert shop_api(token).get_json() == {"of": "worker"}


@pytest.mark.parametrize("flaw", REFUSED)
def test_wrong_token_is_refused(gatepass, shop_api, flaw):
    token = gatepass.mint(client_id="worker", scope="orders:read", flaws=[flaw])
    assert shop_api(token).status_code == 401


def test_token_without_the_scope_is_refused(gatepass, shop_api):
    token = gatepass.mint(client_id="worker", scope="orders:write")
    assert token.bypassed == ["scope"]
    assert shop_api(token).status_code == 403


def test_token_of_a_user_names_the_user(gatepass, shop_api):
    token = gatepass.mint(client_id="website", user="carol", audience=API, scope="orders:read")
    sub = gatepass.get("users", "carol")["sub"]
    assert shop_api(token).get_json() == {"of": sub}


def test_api_answers_503_if_the_keys_cannot_be_fetched(gatepass, shop_api):
    token = gatepass.mint(client_id="worker", scope="orders:read")
    with gatepass.fault("jwks", status=503):
        assert gatepass.call("GET", "/control/faults")["faults"][0]["on"] == "jwks"
        assert shop_api(token).status_code == 503
    assert shop_api(token).status_code == 200
    gatepass.fault("jwks", close=True)
    gatepass.call("DELETE", "/control/faults")
    assert shop_api(token).status_code == 200


def test_token_of_a_withdrawn_key_is_refused(gatepass, shop_api):
    token = gatepass.mint(client_id="worker", scope="orders:read")
    gatepass.rotate_keys()
    assert shop_api(token).status_code == 200
    gatepass.rotate_keys(withdraw=token.header["kid"])
    assert shop_api(token).status_code == 401


def test_worker_gets_its_token_with_its_secret_in_the_header(gatepass):
    response = requests.post(
        f"{gatepass.issuer}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=("worker", "of the worker"),
        timeout=10,
    )
    assert response.status_code == 200
    gatepass.verify(
        endpoint="token",
        client_id="worker",
        authentication="client_secret_basic",
        authenticated=True,
        exactly=1,
    )
    assert [request["endpoint"] for request in gatepass.requests()] == ["token"]
    gatepass.call("DELETE", "/control/requests")
    assert gatepass.requests() == []


def test_revoked_token_is_inactive(gatepass):
    token = gatepass.mint(client_id="worker", scope="orders:read")
    gatepass.put(
        "clients", "api", client_secret="of the api", introspection_audiences=[API]
    )

    def is_active():
        endpoint = f"{gatepass.issuer}/oauth/introspect"
        form = {"token": str(token)}
        response = requests.post(endpoint, data=form, auth=("api", "of the api"), timeout=10)
        return response.json()["active"]

    assert is_active()
    assert gatepass.revoke(token=str(token))["tokens"] == [token.claims["jti"]]
    assert not is_active()


def test_token_expires_with_the_clock(gatepass):
    before = gatepass.clock.now()
    response = requests.post(
        f"{gatepass.issuer}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=("worker", "of the worker"),
        timeout=10,
    ).json()
    gatepass.put("clients", "api", client_secret="of the api", introspection_audiences=[API])
    assert gatepass.clock.advance(3600) >= before + 3600
    introspected = requests.post(
        f"{gatepass.issuer}/oauth/introspect",
        data={"token": response["access_token"]},
        auth=("api", "of the api"),
        timeout=10,
    )
    assert introspected.json() == {"active": False}
    gatepass.clock.set(before, frozen=True)
    assert gatepass.clock.now() == before
    gatepass.clock.follow_system()
