"""oidc-agent of Debian, unmodified: registration, login on a loopback port, a fresh access token."""

import re
import subprocess

import requests
from context import ALICE, CA_FILE, ENVIRONMENT, FOLDER, ISSUER, PORT, log_in
from programs import background, wait_for

GENERATE = f"""
exec oidc-gen alice --iss={ISSUER} --cp={CA_FILE} --redirect-uri=http://localhost:{PORT} --flow=code \\
    --scope="openid profile offline_access" --pw-cmd="echo a-password-of-this-test" \\
    --no-url-call --no-scheme --confirm-default --prompt=none < /dev/null
"""


def run(*command: str) -> str:
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


environment = ENVIRONMENT | {"OIDC_CONFIG_DIR": str(FOLDER / "config"), "HOME": str(FOLDER)}
(FOLDER / "config").mkdir(mode=0o700)
environment |= dict(re.findall(r"(OIDC_SOCK|OIDCD_PID)=([^;]+);", run("oidc-agent")))
try:
    with background(GENERATE, FOLDER, environment, "oidc-gen") as generator:
        log = FOLDER / "oidc-gen.log"
        wait_for(lambda: ISSUER in log.read_text(), "the URL for the browser", generator)
        (address,) = re.findall(r"https://\S+/oauth/authorize\?\S+", log.read_text())
        log_in(address)
        assert generator.wait(60) == 0, log.read_text()
    tokens = {run("oidc-token", "--force-new", "alice").strip() for _ in range(2)}
    assert len(tokens) == 2, "each is new"
    for token in tokens:
        headers = {"authorization": f"Bearer {token}"}
        userinfo = requests.get(f"{ISSUER}/userinfo", headers=headers, verify=CA_FILE, timeout=60)
        assert userinfo.json()["sub"] == ALICE, userinfo.text
finally:
    run("oidc-agent", "--kill")
