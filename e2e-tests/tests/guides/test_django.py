"""docs/guides/django.md"""

from guide import FOLDER, log_in, run_block, started, url

# A new project has a `settings.py` and an `urls.py`. The page adds to the first and replaces the
# second.
pages = sorted(FOLDER.glob("site_*/*/*.py"))
blocks = {page: page.read_text() for page in pages}
assert len(blocks) == 4, blocks
for page in pages:
    page.unlink()
    if not any(page.parent.iterdir()):
        page.parent.rmdir()
        page.parent.parent.rmdir()
run_block("new-project")
for page, block in blocks.items():
    page.write_text((page.read_text() if page.name == "settings.py" else "") + block)

for start, login in (
    ("start-allauth", "/accounts/oidc/gatepass/login/"),
    ("start-mozilla", "/oidc/authenticate/"),
):
    with started(start, 8000):
        alice = log_in(url(8000, login), consent=start == "start-allauth")
        assert alice.page.text.endswith(" alice@example.com"), f"{start}: {alice.page.text[:500]}"
        assert alice.page.url == url(8000, "/"), alice.page.url
        # The site has its own session.
        assert alice.open(url(8000, "/")).text.endswith(" alice@example.com"), alice.page.text
        assert log_in(url(8000, login), consent=False).page.text == alice.page.text
