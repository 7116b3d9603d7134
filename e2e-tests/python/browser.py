"""A browser without JavaScript: follows redirects, stores cookies and submits forms by button id."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Forms(HTMLParser):
    """Parses the forms of a page: action, hidden fields, and buttons by id."""

    def __init__(self, html: str):
        super().__init__()
        self.forms: list[dict] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes["action"], "fields": {}, "buttons": {}})
        elif tag == "input" and attributes.get("type") == "hidden":
            self.forms[-1]["fields"][attributes["name"]] = attributes["value"]
        elif tag == "button" and "id" in attributes:
            added = {attributes["name"]: attributes["value"]} if "name" in attributes else {}
            self.forms[-1]["buttons"][attributes["id"]] = added


class Browser:
    """One browser session, with the page that is open."""

    def __init__(self):
        self.http = requests.Session()
        self.http.trust_env = False

    def open(self, url: str) -> requests.Response:
        self.page = self.http.get(url, timeout=60)
        return self.page

    def press(self, button: str, **inputs: str) -> requests.Response:
        """Submits the form of the button with this id."""
        forms = [form for form in Forms(self.page.text).forms if button in form["buttons"]]
        assert len(forms) == 1, f"{button} is not on {self.page.url}: {self.page.text}"
        fields = forms[0]["fields"] | inputs | forms[0]["buttons"][button]
        self.page = self.http.post(urljoin(self.page.url, forms[0]["action"]), data=fields, timeout=60)
        return self.page

    def sign_in(self, username: str, password: str) -> requests.Response:
        return self.press("login-submit", username=username, password=password)
