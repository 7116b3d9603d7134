"""docs/guides/node.md"""

from guide import ENVIRONMENT, access_token, call, started, tampered, url

# Debian's packages node-express and node-jose.
ENVIRONMENT["NODE_PATH"] = "/usr/share/nodejs"

with started("start-api", 3001):
    orders = url(3001, "/api/orders")
    reader = access_token("billing", "change-me", scope="orders:read")
    assert call(orders, reader).json() == {"client_id": "billing"}, call(orders, reader).text
    for rejected in (tampered(reader), access_token("other", "change-me"), None):
        response = call(orders, rejected)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token"), response.text
    response = call(orders, reader, "POST")
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope"), response.text
    writer = access_token("billing", "change-me", scope="orders:write")
    assert call(orders, writer, "POST").status_code == 200
