"""The website logs users in and out."""

import pytest

from conftest import CALLBACK


def test_user_logs_in(log_in, shop, browser):
    assert log_in(user="carol").json() == {"name": "Carol Danvers"}
    assert browser.get(f"{shop.url}/me").json() == {"name": "Carol Danvers"}


def test_refusal_of_the_user_is_an_error(log_in, shop, browser):
    refused = log_in(error="access_denied")
    assert (refused.status_code, refused.json()) == (400, {"error": "access_denied"})
    assert browser.get(f"{shop.url}/me").status_code == 401


def test_next_login_needs_no_page(gatepass, shop, browser):
    waiting = gatepass.next_login("website", user="dave", times=2)
    assert gatepass.call("GET", "/control/next-logins")["next_logins"] == [waiting]
    # The browser follows the redirects to C and back.
    assert browser.get(f"{shop.url}/login").json() == {"name": "Dave Lister"}
    gatepass.call("DELETE", f"/control/next-logins/{waiting['id']}")
    assert "password" in browser.get(f"{shop.url}/login").text
    gatepass.next_login("website", error="access_denied")
    gatepass.call("DELETE", "/control/next-logins")
    assert "password" in browser.get(f"{shop.url}/login").text


def test_website_sends_pkce(gatepass, log_in):
    log_in(user="carol")
    gatepass.verify(endpoint="token", client_id="website", pkce=True, status=200, exactly=1)


def test_token_endpoint_that_fails_is_an_error(gatepass, log_in):
    with gatepass.fault("token", oauth_error="invalid_grant", client_id="website"):
        failed = log_in(user="carol")
    assert (failed.status_code, failed.json()) == (400, {"error": "invalid_grant"})


def test_logout_at_the_provider_ends_the_session_at_the_website(gatepass, log_in, shop, browser):
    log_in(user="carol")
    assert [delivery["status"] for delivery in gatepass.logout("carol")] == [204]
    assert browser.get(f"{shop.url}/me").status_code == 401


@pytest.mark.parametrize(
    "flaw",
    [
        "signature",
        "foreign_key",
        "alg_none",
        "wrong_typ",
        "wrong_issuer",
        "wrong_audience",
        "expired",
        "no_exp",
        "no_iat",
        "no_jti",
        "no_events",
        "with_nonce",
        "no_subject",
    ],
)
def test_wrong_logout_token_is_refused(gatepass, log_in, shop, browser, flaw):
    log_in(user="carol")
    assert [delivery["status"] for delivery in gatepass.logout("carol", flaws=[flaw])] == [400]
    assert browser.get(f"{shop.url}/me").status_code == 200


def test_port_of_the_website_need_not_be_registered(gatepass, shop):
    assert not shop.url.startswith(CALLBACK.removesuffix("/callback"))
    assert gatepass.state()["looseness"] == ["redirect.any_loopback_port"]
