"""A Django website with "Log in with WeChat", built with unmodified django-allauth and
social-auth-core. Only WeChat's addresses are replaced.
"""

import secrets

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.decorators.csrf import ensure_csrf_cookie
from requests.adapters import HTTPAdapter

API = "https://api.weixin.qq.com"
# Filled when the settings are known, which the libraries read when they are imported.
urlpatterns = []


def call_instead_of_wechat(issuer: str) -> None:
    """Sends the requests for WeChat's API, whose address is fixed in both libraries, to `issuer`."""
    send = HTTPAdapter.send

    def send_to_issuer(self, request, **options):
        if request.url.startswith(f"{API}/"):
            request.url = issuer + request.url.removeprefix(API)
            options["proxies"] = {}
        return send(self, request, **options)

    HTTPAdapter.send = send_to_issuer


def website(issuer: str, appid: str, secret: str, database: str):
    """Returns the WSGI application."""
    call_instead_of_wechat(issuer)
    settings.configure(
        SECRET_KEY=secrets.token_hex(),
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1"],
        DEBUG=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGIN_REDIRECT_URL="/me",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.weixin",
            "social_django",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        AUTHENTICATION_BACKENDS=[
            "allauth.account.auth_backends.AuthenticationBackend",
            "social_core.backends.weixin.WeixinOAuth2",
        ],
        SOCIALACCOUNT_PROVIDERS={
            "weixin": {
                "APPS": [{"client_id": appid, "secret": secret, "key": ""}],
                "AUTHORIZE_URL": f"{issuer}/connect/qrconnect",
            }
        },
        SOCIAL_AUTH_WEIXIN_KEY=appid,
        SOCIAL_AUTH_WEIXIN_SECRET=secret,
    )
    django.setup()
    from social_core.backends.weixin import WeixinOAuth2

    WeixinOAuth2.AUTHORIZATION_URL = f"{issuer}/connect/qrconnect"
    urlpatterns.extend(
        [
            path("", home),
            path("me", me),
            path("accounts/", include("allauth.urls")),
            path("social/", include("social_django.urls", namespace="social")),
        ]
    )
    call_command("migrate", verbosity=0)
    return get_wsgi_application()


@ensure_csrf_cookie
def home(request):
    """Shows the login button of each library. Both start a login by POST."""
    form = """<form action="{}" method="post">
        <input type="hidden" name="csrfmiddlewaretoken" value="{}">
        <button id="{}">Log in with WeChat</button></form>"""
    starts = {"allauth": "/accounts/weixin/login/", "social": "/social/login/weixin/"}
    token = get_token(request)
    return HttpResponse("".join(form.format(url, token, name) for name, url in starts.items()))


def me(request):
    """Returns the logged-in user, with the identities that the libraries stored."""
    from allauth.socialaccount.models import SocialAccount
    from social_django.models import UserSocialAuth

    own = {"user": request.user}
    allauth = [(found.uid, found.extra_data["nickname"]) for found in SocialAccount.objects.filter(**own)]
    social = [(found.uid, found.extra_data["username"]) for found in UserSocialAuth.objects.filter(**own)]
    return JsonResponse({"allauth": allauth, "social": social})
