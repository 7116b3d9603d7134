"""Flask-pyoidc, unmodified: registration, login, userinfo and logout."""

from pathlib import Path

from context import ALICE, ENVIRONMENT, FOLDER, ISSUER, PORT, log_in
from programs import background, is_listening, wait_for

HERE = Path(__file__).parent
site = f"http://localhost:{PORT}"
environment = ENVIRONMENT | {"ISSUER": ISSUER, "REDIRECT_URI": f"{site}/callback"}
command = f"exec flask --app {HERE / 'flask_app.py'} run --port {PORT}"

with background(command, FOLDER, environment) as server:
    wait_for(lambda: is_listening(PORT), "Flask", server)
    alice = log_in(f"{site}/")
    assert alice.page.json() == {"sub": ALICE, "email": "alice@example.com"}, alice.page.text
    alice.open(f"{site}/logout")
    assert alice.page.text == "logged out", f"{alice.page.url}: {alice.page.text}"
