"""docs/guides/go.md"""

from pathlib import Path

from guide import ALICE, ENVIRONMENT, FOLDER, access_token, call, log_in, started, tampered, url

# Debian has go-oidc 2, whose functions are those of version 3: provide it under the import path of
# the page.
DEBIAN = Path("/usr/share/gocode")
V3 = FOLDER / "gopath/src/github.com/coreos/go-oidc/v3"
V3.mkdir(parents=True)
(V3 / "oidc").symlink_to(DEBIAN / "src/github.com/coreos/go-oidc")
ENVIRONMENT.update(
    GO111MODULE="off", GOPATH=f"{FOLDER}/gopath:{DEBIAN}", GOFLAGS="", GOCACHE=str(FOLDER / "cache")
)

with started("start", 5556):
    alice = log_in(url(5556, "/login"))
    assert alice.page.text == f"{ALICE} alice@example.com", alice.page.text
    forged = alice.open(url(5556, "/callback?code=stolen&state=forged"))
    assert (forged.status_code, forged.text) == (400, "wrong state\n"), forged.text

    orders = url(5556, "/api/orders")
    token = access_token("billing", "change-me")
    assert call(orders, token).text == "billing", call(orders, token).text
    for rejected in (tampered(token), access_token("other", "change-me"), None):
        assert call(orders, rejected).status_code == 401, call(orders, rejected).text
    response = call(orders, access_token("billing", "change-me", scope="orders:write"))
    assert (response.status_code, response.text) == (403, "insufficient scope\n"), response.text
