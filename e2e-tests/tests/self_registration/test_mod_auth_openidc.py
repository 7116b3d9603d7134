"""mod_auth_openidc, unmodified: it has C's metadata in its metadata folder and registers itself."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import requests
from context import ALICE, CA_FILE, ENVIRONMENT, FOLDER, ISSUER, PORT, log_in
from programs import background, is_listening, wait_for

SITE = f"http://localhost:{PORT}"
# The module names the files after the issuer without its scheme.
NAME = quote(ISSUER.removeprefix("https://"), safe="")

CONFIGURATION = f"""
OIDCCABundlePath ca.pem
OIDCMetadataDir {FOLDER}/metadata
OIDCClientName Apache
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRedirectURI {SITE}/private/callback
OIDCCryptoPassphrase a-passphrase-of-this-test
OIDCRemoteUserClaim sub
<Location /private>
    AuthType openid-connect
    Require valid-user
</Location>
"""

(FOLDER / "htdocs" / "private").mkdir(parents=True)
(FOLDER / "htdocs" / "private" / "index.html").write_text("private page")
shutil.copy(CA_FILE, FOLDER / "ca.pem")
metadata = FOLDER / "metadata"
metadata.mkdir(mode=0o700)
document = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=60)
(metadata / f"{NAME}.provider").write_text(document.text)
rest = (Path(__file__).parents[1] / "guides" / "apache.conf").read_text()
(FOLDER / "apache.conf").write_text(rest.replace("${FOLDER}", str(FOLDER)).replace("8080", str(PORT)))
(FOLDER / "site.conf").write_text(CONFIGURATION)

with background("exec apache2 -f $PWD/apache.conf -DFOREGROUND", FOLDER, ENVIRONMENT) as apache:
    wait_for(lambda: is_listening(PORT), "Apache", apache)
    # With several providers the page that chooses one links here.
    chosen = f"{SITE}/private/callback?iss={quote(ISSUER, safe='')}&target_link_uri={SITE}/private/"
    alice = log_in(chosen)
    assert alice.page.text == "private page", f"{alice.page.url}: {alice.page.text}"
    assert alice.page.headers["x-user"] == f"{ALICE} alice@example.com", alice.page.headers
    registered = json.loads((metadata / f"{NAME}.client").read_text())
    assert registered["client_id"].startswith("gpci_"), registered
