"""A person with a browser that runs no script: follows redirects, keeps cookies, fills in forms by their ids."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


class Forms(HTMLParser):
    """The forms of a page: where each goes, its hidden fields, and its buttons by id."""

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
            own = {attributes["name"]: attributes["value"]} if "name" in attributes else {}
            self.forms[-1]["buttons"][attributes["id"]] = own


class Person:
    def __init__(self):
        self.http = requests.Session()
        self.http.trust_env = False

    def open(self, url: str) -> requests.Response:
        self.page = self.http.get(url, timeout=60)
        return self.page

    def press(self, button: str, **typed: str) -> requests.Response:
        forms = [form for form in Forms(self.page.text).forms if button in form["buttons"]]
        assert len(forms) == 1, f"{button} is not on {self.page.url}: {self.page.text}"
        fields = forms[0]["fields"] | typed | forms[0]["buttons"][button]
        self.page = self.http.post(urljoin(self.page.url, forms[0]["action"]), data=fields, timeout=60)
        return self.page

    def sign_in(self, username: str, password: str) -> requests.Response:
        return self.press("login-submit", username=username, password=password)
