"""The whole configuration, read from the environment; README.md and docs/operations.md list the variables.

Three modes. DEBUG unset: one machine, loopback only, a secret key generated once under var/. DEBUG=false: production, which
refuses to start with a weak key or a wildcard host. DEBUG=true: Django's debug pages, for people who change the code.
"""

import ipaddress
import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import logs

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("FLOWDECK_VAR", BASE_DIR / "var"))
env = environ.Env()

PRODUCTION = "DEBUG" in os.environ and not env.bool("DEBUG")
DEBUG = env.bool("DEBUG", default=False)


def read_secret_key() -> str:
    """Return SECRET_KEY; outside production, make one on the first start and keep it in var/secret_key (mode 600)."""
    key = os.environ.get("SECRET_KEY", "")
    if PRODUCTION or (key and not DEBUG):
        if len(key) < 50 or len(set(key)) < 10 or key.startswith("django-insecure-"):
            raise ImproperlyConfigured("With DEBUG off, SECRET_KEY must be random and at least 50 characters long.")
        return key
    if key:
        return key
    path = VAR_DIR / "secret_key"
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    return path.read_text()


def read_allowed_hosts() -> list[str]:
    hosts: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
    if (PRODUCTION and not hosts) or (not DEBUG and "*" in hosts):
        raise ImproperlyConfigured("With DEBUG off, ALLOWED_HOSTS must name the hosts that people use; * is refused.")
    return hosts


def read_networks(name: str, default: str = "") -> list[str]:
    """Return a list of networks in CIDR notation, checked."""
    networks: list[str] = env.list(name, default=default.split())
    for network in networks:
        try:
            ipaddress.ip_network(network.strip())
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from error
    return networks


def read_database() -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'flowdeck.sqlite3'}"
    database: dict[str, Any] = env.db_url_config(url)
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # IMMEDIATE: take the write lock before reading, so that no transaction fails half way with "database is locked".
        # synchronous=FULL: with WAL, NORMAL may lose acknowledged commits when the power fails.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;",
        }
    elif database["ENGINE"] == "django.db.backends.postgresql":
        limits = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"
        pool = {"min_size": 1, "max_size": 8, "timeout": 10}
        # A socket's directory stands in a URL as PostgreSQL's own tools write it: postgres://user@%2Frun%2Fpostgresql/name.
        database["HOST"] = unquote(database["HOST"])
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "options": limits, "pool": pool}
    else:
        raise ImproperlyConfigured(f"DATABASE_URL: {urlsplit(url).scheme} is not supported; use postgres:// or sqlite://.")
    return database


def read_rate_limits() -> dict[str, int]:
    """Return RATE_LIMITS, the most requests per minute and token by kind, and of an organisation's tokens together: five times
    as many unless it says otherwise. Empty for `off`.
    """
    text = os.environ.get("RATE_LIMITS", "").strip()
    if text == "off":
        return {}
    limits = {"mutations": 600, "reads": 6000}
    known = (*limits, *(f"organisation_{kind}" for kind in limits))
    for part in filter(None, text.split(",")):
        kind, _sign, most = part.strip().partition("=")
        if kind not in known or not most.isdecimal() or not int(most):
            raise ImproperlyConfigured(f"RATE_LIMITS: {text} is neither off nor like mutations=600,reads=6000.")
        limits[kind] = int(most)
    return {f"organisation_{kind}": 5 * limits[kind] for kind in ("mutations", "reads")} | limits


def read_oidc() -> dict[str, Any] | None:
    """Return with which provider people sign in by OpenID Connect, and what for; None without OIDC_ISSUER."""
    issuer = os.environ.get("OIDC_ISSUER", "").strip()
    if not issuer:
        return None
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")):
        raise ImproperlyConfigured("OIDC_ISSUER must be an https address, as your provider names it.")
    if not os.environ.get("OIDC_CLIENT_ID"):
        raise ImproperlyConfigured("OIDC_ISSUER is set, but OIDC_CLIENT_ID is not.")
    domains = {}
    for text in env.list("OIDC_DOMAINS", default=[]):
        domain, _sign, place = text.strip().lower().partition("=")
        organisation, _sign, role = place.partition(":")
        if not domain or "@" in domain or not organisation or role == "owner":
            raise ImproperlyConfigured(f"OIDC_DOMAINS: {text} is not like example.com=organisation:member; owner is refused.")
        domains[domain] = (organisation, role or "member")
    return {
        "issuer": issuer,
        "client_id": os.environ["OIDC_CLIENT_ID"],
        "client_secret": os.environ.get("OIDC_CLIENT_SECRET", ""),
        "name": os.environ.get("OIDC_NAME", "").strip() or parts.hostname,
        "scope": os.environ.get("OIDC_SCOPE", "").strip() or "openid email profile",
        "domains": domains,
    }


def read_retention() -> dict[str, int]:
    """Return RETENTION: after how many days what is forgotten. What is not named is kept."""
    days = {}
    for part in filter(None, os.environ.get("RETENTION", "").split(",")):
        kind, _sign, text = part.strip().partition("=")
        if kind not in ("executions", "audit", "deliveries", "sessions") or not text.isdecimal() or not 0 < int(text) < 36525:
            raise ImproperlyConfigured(f"RETENTION: {part} is not like executions=730, audit=1095, deliveries=90 or sessions=30.")
        days[kind] = int(text)
    return days


SECRET_KEY = read_secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = read_allowed_hosts()
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATABASES = {"default": read_database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "axes",
    "workflows",
    "dashboard",
]

MIDDLEWARE = [
    "config.middleware.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.WorkplaceMiddleware",
    # Last: what it finds out is told by those around it.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# epilot's paths have no trailing slash, and a redirect would lose a POST body.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    }
]

AUTH_USER_MODEL = "workflows.User"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# The link in a mail is good for two hours, and only until the password is another one.
PASSWORD_RESET_TIMEOUT = 2 * 3600

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# After ten failures an account is closed for a quarter of an hour to the address that they came from: to others it stays open, so
# that nobody can lock a person out from elsewhere. Accounts that do not exist are closed just the same.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# How it names the address that was tried, wherever that was: not every form has a field with it.
AXES_USERNAME_FORM_FIELD = "username"
# It keeps what was sent with a failure, but for these and `password`.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "old_password", "new_password1", "new_password2", "code"]
AXES_USERNAME_CALLABLE = "workflows.services.sign_ins.find_username"
AXES_CLIENT_IP_CALLABLE = "workflows.services.sign_ins.find_client"
AXES_LOCKOUT_CALLABLE = "dashboard.views.sign_in.answer_lockout"
# The trail tells of sign-ins; a second book of them would need a retention of its own.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="Europe/Berlin")
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Finders instead of collectstatic: one step less before the first start, and whitenoise reads each file only once.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["workflows.api.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["workflows.api.auth.MayDo"],
    "DEFAULT_PARSER_CLASSES": ["workflows.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["workflows.api.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "workflows.api.operations.Operation",
    "EXCEPTION_HANDLER": "workflows.api.errors.answer_error",
    "UNAUTHENTICATED_USER": None,
}
# Checks templates that come from files. It lives with the API, which services do not know.
TEMPLATE_CHECK = "workflows.api.definitions.serializers.check_template"
SPECTACULAR_SETTINGS = {
    "TITLE": "Flowdeck",
    "DESCRIPTION": (
        "Workflow executions over REST, on epilot's paths and shapes. Every call needs a token: `Authorization: Bearer ...`, "
        'made with `manage.py createtoken`. A refusal is a 4xx with `{"message": ...}` that names the field. Fields that are not '
        "documented are accepted and ignored, or kept where a document is kept as a whole."
    ),
    "VERSION": next(
        line[3:].split()[0] for line in (BASE_DIR / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    ),
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "workflows.api.schema.use_contract_names",
        "workflows.api.schema.allow_overlap",
    ],
    # A PATCH asks for what its body must have, as any other operation does.
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_NAME_OVERRIDES": {
        "AutomationStatus": "workflows.api.automation.answers.STATUSES",
        "SortDirection": ["asc", "desc"],
        "ScheduleDirection": ["before", "after"],
        "TaskStatus": "workflows.api.v2.serializers.STATUSES",
        "ExecutionStatus": "workflows.engine.status.ExecutionStatus",
        "ClosingReasonStatus": "workflows.api.definitions.serializers.REASON_STATUSES",
        "StartTriggerType": "workflows.api.v2.serializers.TRIGGERS",
        "PhaseStatus": "workflows.engine.status.PhaseStatus",
        "TimeUnit": "workflows.api.v1.serializers.PERIODS",
        "ExecutionTimeUnit": "workflows.api.v1.serializers.EXECUTION_PERIODS",
        "OffsetUnit": "workflows.api.v2.answers.OFFSET_UNITS",
        "DueDateAnchor": "workflows.engine.due_dates.Anchor",
        "DueDateCondition": "workflows.api.v1.serializers.CONDITIONS",
        "FlowItemType": "workflows.api.v1.answers.ITEMS",
        "FollowedSource": "workflows.api.v1.answers.FOLLOWED",
        "InputSource": "workflows.api.definitions.serializers.INPUT_SOURCES",
        "EvaluationOrigin": "workflows.api.v2.answers.EVALUATION_ORIGINS",
        "ScheduleOriginType": "workflows.api.v2.answers.SCHEDULE_ORIGINS",
        "TemplateTriggerType": "workflows.api.definitions.serializers.TRIGGER_TYPES",
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "workflows.models.session"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "dashboard.refusals.refuse_forgery"
if PRODUCTION:
    # The __Host- prefix makes browsers refuse the cookie over plain HTTP or from a sibling domain.
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-flowdeck", "__Host-flowdeck-csrf"
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

vars().update(env.email_url_config(os.environ.get("EMAIL_URL") or "consolemail://"))
RATE_LIMITS = read_rate_limits()
RETENTION = read_retention()
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="Flowdeck <flowdeck@localhost>")
OUTBOUND_ALLOWED_NETWORKS = read_networks("OUTBOUND_ALLOWED_NETWORKS")
# Whose X-Forwarded-For and -Proto are believed. Only this machine, unless the operator names their proxy.
TRUSTED_PROXIES = [ipaddress.ip_network(text.strip()) for text in read_networks("TRUSTED_PROXIES", "127.0.0.0/8 ::1/128")]
OIDC = read_oidc()
# Where people reach the product: links in e-mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")

# An ASGI server beside this one serves /live and /executions/<id>/live: pages ask it to tell of changes.
LIVE_STREAM = env.bool("LIVE_STREAM", default=False)

# Unset: the broker lives inside the one worker process, and its dispatcher finds every job in the database.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or "memory://localhost/"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": [
                logs.drop_internals,
                logs.render_json if PRODUCTION else logs.render_line,
            ],
            "foreign_pre_chain": [logs.add_level, logs.add_time, logs.add_request, logs.add_exception, logs.redact],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django.server": {"handlers": ["stderr"], "propagate": False}},
}
