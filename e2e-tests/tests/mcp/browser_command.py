"""The browser of a user who signs in and allows the request. Argument: the URL to open."""

import sys

from browser import Browser

browser = Browser()
browser.open(sys.argv[1])
browser.sign_in("alice", "wonderland")
browser.press("consent-allow")
