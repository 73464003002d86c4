"""Schemathesis, all phases and all checks, against the service under gunicorn: the document must be true."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import hypothesis.strategies as st
import pytest
import requests
import schemathesis
from schemathesis.engine import Status, events, from_schema

from tests.factories.callers import PASSWORD
from tests.factories.servers import RunningService, serve

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "25"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "1"))

REFUSED_FOR_WHAT_THEY_MEAN = (
    # The id of a business to which the caller does not belong, or of a role that it does not have.
    *("auth/login", "auth/tenants/switch", "invites", "members/[^/]+"),
    # A token, a code or a state that was not given out here.
    *("auth/reset-password", "auth/verify-email", "auth/change-email/confirm", "auth/sso/callback"),
    "auth/login/second-factor",
    *("auth/second-factor/confirm", "auth/second-factor/disable"),
    # The one of two fields that this account is not asked for, or one without the other.
    *("auth/step-up", "auth/invites/[^/]+/accept", "auth/sso/(register|join)"),
    # A number that is none of the country's tax office, and an end that lies in the past.
    *("locations", "locations/[^/]+", "api-keys"),
    # What the business does not have; spans that end before they begin, windows that overlap, rules that do
    # not go together, fees of more than all.
    *("(staff|resources|services)(/[^/]+)?", "services/[^/]+/resources", "tenant/settings"),
    *("(staff|resources|locations)/[^/]+/(schedule|exceptions|time-off)(/[^/]+)?",),
    *("bookings(/[^/]+/reschedule)?", "sessions(/[^/]+)?", "session-series", "sessions/[^/]+/waitlist"),
    *("availability", "dashboard/stats", "analytics/[^/]+", "customers/[^/]+/bookings"),
    "sessions/[^/]+/attendees",
    # No money, money that its currency has no coin for, and what came, or went back, in the future.
    "payments(/[^/]+/(allocations|refunds))?",
    # Two currencies that are one, and a rate that ends before it begins.
    *("exchange-rates", "tax-rates(/[^/]+)?"),
    # A number that is none of the customer's country's tax office, or a state that is none of its states.
    "customers(/[^/]+)?",
    # What the business does not have, discounts of more than all, an issue that is yet to come, and a picture
    # that is none.
    *("invoices(/preview|/[^/]+(/issue|/credit-notes)?)?", "bookings/[^/]+/invoice", "tenant/logo"),
    # WhatsApp without the words that were agreed to, and an address that is none of the channel's.
    *("customers/[^/]+/(consents|preferences)", "suppressions", "notifications/test"),
    # Braces that are no placeholder, and names that the message does not know.
    "notification-templates/[^/]+/[^/]+/[^/]+(/preview)?",
    # Hosts that are not of the public internet.
    "webhook-endpoints(/[^/]+)?",
)

AGAIN = r"^/api/(resources|locations)/\{[a-z_]+\}/(schedule|exceptions|time-off)|^/api/seed/"
"""The views of /api/staff once more, and demo data."""

CONFIG: dict[str, Any] = {
    "seed": SEED,
    # An operation goes on after its first failure, so that one run shows them all.
    "continue-on-failure": True,
    "generation": {"deterministic": True, "database": "none", "max-examples": EXAMPLES},
    "phases": {"stateful": {"generation": {"max-examples": EXAMPLES // 2}}},
    "checks": {
        # Besides the default: a version or an Idempotency-Key can be well-formed and yet not the right one.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]
        },
        # A malformed If-Match cannot match.
        "negative_data_rejection": {
            "expected-statuses": ["400", "401", "403", "404", "405", "409", "410", "412", "415", "422"]
        },
    },
    "operations": [
        # Well-formed and refused with a 400 all the same.
        {
            "include-path-regex": f"^/api/({'|'.join(REFUSED_FOR_WHAT_THEY_MEAN)})$",
            "checks": {"positive_data_acceptance": {"enabled": False}},
        },
        # DELETE archives or revokes: the object can still be read, which is the API's promise.
        *(
            {"include-tag": tag, "checks": {"use_after_free": {"enabled": False}}}
            for tag in (
                *("customers", "locations", "api_keys", "invitations"),
                *("services", "resources", "staff", "bookings", "sessions", "waitlist"),
                # Without words of one's own the built-in ones are read.
                "templates",
            )
        ),
    ],
}

END_THE_SESSION = {
    *("/api/auth/logout", "/api/auth/logout-all", "/api/auth/tenants/switch"),
    *("/api/auth/sessions/{session_id}", "/api/auth/invites/{token}/join"),
}

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=16)
INSTANTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30))
FORMATS: dict[str, st.SearchStrategy[str]] = {
    "email": st.builds("{}@example.com".format, WORDS),
    "phone": st.integers(10**8, 10**9 - 1).map("+919{}".format),
    "password": st.builds("green {} umbrella".format, WORDS),
    "date-time": INSTANTS.map(lambda instant: f"{instant.replace(microsecond=0).isoformat()}Z"),
}
"""What the document's formats mean more narrowly than JSON Schema's: an e-mail domain that can exist, say."""


@pytest.fixture
def service(environ: dict[str, str]) -> Iterator[RunningService]:
    with serve({**environ, "SKIP_RATE_LIMIT": "true", "LOG_LEVEL": "error"}, workers=1) as running:
        yield running


class SignedIn:
    """An owner who signs in again when a tested operation has ended the session."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._account = {"email": "owner@schemathesis.example.com", "password": PASSWORD}
        details = {"firstName": "Asha", "lastName": "Rao", "businessName": "Salon", "businessType": "salon"}
        body = self._post("register", {**self._account, **details, "countryCode": "IN"})
        self._account["tenantId"] = body["tenant"]["id"]
        self.token: str = body["accessToken"]

    def sign_in(self) -> None:
        self.token = self._post("login", self._account)["accessToken"]

    def has_password(self, password: str) -> None:
        self._account["password"] = password

    def _post(self, path: str, body: dict[str, str]) -> Any:
        response = requests.post(f"{self._url}/api/auth/{path}", json=body, timeout=10)
        response.raise_for_status()
        return response.json()


def load(service: RunningService) -> Any:
    """Return the service's own document, set up with formats and a signed-in owner."""
    for name, strategy in FORMATS.items():
        schemathesis.openapi.format(name, strategy)
    config = schemathesis.Config.from_dict(CONFIG)
    whole = schemathesis.openapi.from_url(f"{service.url}/api/openapi.json", config=config)
    schema = whole.exclude(path_regex=AGAIN)
    owner = SignedIn(service.url)

    @schema.auth(refresh_interval=None)
    class Owner:
        def get(self, case: Any, context: Any) -> str:
            return owner.token

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

    @schema.hook
    def map_case(context: Any, case: Any) -> Any:
        # A cursor cannot be made up; the pages' own tests walk with real ones.
        if case.meta is not None and case.meta.generation.mode.is_positive and case.query:
            case.query.pop("cursor", None)
        return case

    @schema.hook
    def filter_case(context: Any, case: Any) -> bool:
        # A longer request line is gunicorn's to refuse (414); the service never sees it.
        return len(urlencode(case.query or {}, doseq=True)) < 7000

    @schema.hook
    def after_call(context: Any, case: Any, response: Any) -> None:
        if response.status_code >= 300:
            return
        if case.operation.path == "/api/auth/change-password":
            owner.has_password(case.body["newPassword"])
        if case.operation.path in END_THE_SESSION:
            owner.sign_in()

    return schema


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestTheDocument:
    def test_holds_for_whatever_schemathesis_sends(self, service: RunningService) -> None:
        failures: dict[str, str] = {}
        answered: set[str] = set()
        for event in from_schema(load(service)).execute():
            if isinstance(event, events.NonFatalError | events.FatalError):
                failures[f"error: {getattr(event, 'label', '')}"] = str(
                    getattr(event, "value", getattr(event, "exception", None))
                )
            if not isinstance(event, events.ScenarioFinished):
                continue
            for case_id, checks in event.recorder.checks.items():
                label = event.recorder.cases[case_id].value.operation.label
                answered.add(label)
                for check in checks:
                    if check.status is Status.FAILURE and check.failure_info is not None:
                        failure = check.failure_info
                        failures[f"{event.phase.value} {label} {check.name}"] = (
                            f"{failure.failure.title}\n{failure.failure.message}\n{failure.code_sample}"
                        )

        assert not failures, "\n\n".join(f"{name}\n{text}" for name, text in failures.items())
        assert "POST /api/customers" in answered
        assert len(answered) >= 140
