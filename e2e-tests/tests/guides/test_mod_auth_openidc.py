"""docs/guides/mod-auth-openidc.md"""

import shutil
from pathlib import Path

from guide import ALICE, CA_FILE, FOLDER, ISSUER, PORTS, access_token, call, log_in, started, tampered, url

for name in ("private", "api"):
    (FOLDER / "htdocs" / name).mkdir(parents=True)
    (FOLDER / "htdocs" / name / "index.html").write_text(f"{name} page")
shutil.copy(CA_FILE, FOLDER / "ca.pem")
rest = (Path(__file__).parent / "apache.conf").read_text()
rest = rest.replace("${FOLDER}", str(FOLDER)).replace("8080", PORTS["8080"])
(FOLDER / "apache.conf").write_text(rest)
(FOLDER / "start").write_text("exec apache2 -f $PWD/apache.conf -DFOREGROUND")

with started("start", 8080):
    alice = log_in(url(8080, "/private/"))
    assert alice.page.text == "private page", alice.page.text
    assert alice.page.headers["x-user"] == f"{ALICE} alice@example.com", alice.page.headers

    # The logout of the module ends the session at C too.
    alice.open(url(8080, f"/private/callback?logout={url(8080, '/')}"))
    assert alice.page.url == url(8080, "/"), alice.page.url
    alice.open(url(8080, "/private/"))
    assert alice.page.url.startswith(f"{ISSUER}/login"), alice.page.url

    orders = url(8080, "/api/")
    token = access_token("billing", "change-me")
    response = call(orders, token)
    assert (response.status_code, response.text) == (200, "api page"), response.text
    for rejected in (tampered(token), None):
        assert call(orders, rejected).status_code == 401, call(orders, rejected).text
    # Tokens without the scope, and for another API.
    writer = access_token("billing", "change-me", scope="orders:write")
    for rejected in (writer, access_token("other", "change-me")):
        response = call(orders, rejected)
        assert response.status_code == 401, response.text
