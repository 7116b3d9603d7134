"""docs/guides/flask-and-fastapi.md"""

from guide import ALICE, ISSUER, access_token, call, log_in, started, tampered, url

with started("start-website", 5000):
    alice = log_in(url(5000, "/login"))
    assert alice.page.text == f"{ALICE} Alice Liddell", alice.page.text
    # The logout ends both sessions, so that the next login needs a password again.
    alice.open(url(5000, "/logout"))
    assert "Log in" in alice.page.text and alice.page.url.startswith(url(5000, "/")), alice.page.url
    alice.open(url(5000, "/login"))
    assert alice.page.url.startswith(f"{ISSUER}/login"), alice.page.url

with started("start-api", 5001):
    orders = url(5001, "/api/orders")
    token = access_token("billing", "change-me")
    response = call(orders, token)
    assert response.json() == {"client_id": "billing", "scope": "orders:read"}, response.text
    for rejected in (tampered(token), access_token("other", "change-me"), None):
        assert call(orders, rejected).status_code == 401, rejected
    response = call(orders, token, "POST")
    assert (response.status_code, response.json()["detail"]) == (403, "insufficient_scope"), response.text
