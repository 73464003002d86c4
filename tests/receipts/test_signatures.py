"""Whoever is not the provider gets a 403 and a line in the log, and changes nothing."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from mbs.app import create_app
from mbs.receipts.gateways import SendGridSignature, TwilioSignature
from mbs.receipts.models.forms import Form
from tests.factories.callers import Caller
from tests.factories.log_lines import Lines
from tests.receipts.conftest import Send, Sent
from tests.receipts.providers import (
    FORM,
    INBOUND,
    JSON,
    SECRET,
    STATUS,
    Providers,
    Signed,
    resend,
    resend_event,
    sendgrid,
    sendgrid_event,
    twilio,
    twilio_inbound,
    twilio_status,
)

Makes = Callable[[Sent], Signed]

REQUESTS: dict[str, tuple[str, Makes]] = {
    "twilio-status": ("twilio", lambda sent: twilio_status(sent.message_id, "delivered")),
    "twilio-inbound": ("twilio", lambda sent: twilio_inbound(sent.recipient, "STOP")),
    "sendgrid": ("sendgrid", lambda sent: sendgrid([sendgrid_event("delivered", sent_as=sent.message_id)])),
    "resend": ("resend", lambda sent: resend(resend_event("email.delivered", sent.message_id))),
}
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, as long..").decode()


@pytest.fixture(params=list(REQUESTS))
def signed(request: pytest.FixtureRequest, send: Send) -> tuple[Sent, Signed]:
    """A message, and a request of its provider that would change something."""
    provider, makes = REQUESTS[request.param]
    message = send(provider)
    return message, makes(message)


def refused(caller: Caller, message: Sent, request: Signed, log_lines: Lines, fault: str) -> bool:
    """Send a request; tell whether it is refused, logged once, and without any effect."""
    before = len(log_lines())
    response = request.send(caller)
    assert response.status_code == 403, response.get_data(as_text=True)
    assert response.get_json()["code"] == "SIGNATURE_REFUSED"
    lines = [line for line in log_lines()[before:] if line.get("event") == "security.signature_refused"]
    assert [(line["level"], line["fault"]) for line in lines] == [("warning", fault)]
    assert request.path.partition("?")[0].split("/")[3] == lines[0]["provider"]
    assert (message.now("status, version"), message.receipts()) == (("sent", 1), [])
    assert (message.suppressed(), message.rows("consents", "id")) == ([], [])
    return True


class TestARequest:
    def test_of_the_provider_is_taken(self, providers: Providers, signed: tuple[Sent, Signed]) -> None:
        message, request = signed
        assert request.send(providers.caller).status_code == 204
        assert message.receipts() != []

    def test_without_a_header_is_refused(
        self, providers: Providers, signed: tuple[Sent, Signed], log_lines: Lines
    ) -> None:
        message, request = signed
        for name in request.headers:
            headers = {key: value for key, value in request.headers.items() if key != name}
            for given in (headers, {**headers, name: ""}):
                stripped = replace(request, headers=given)
                assert refused(providers.caller, message, stripped, log_lines, "missing")

    def test_with_a_changed_byte_is_refused(
        self, providers: Providers, signed: tuple[Sent, Signed], log_lines: Lines
    ) -> None:
        message, request = signed
        for position in (len(request.body) // 2, len(request.body) - 3):
            byte = b"0" if request.body[position : position + 1] != b"0" else b"1"
            body = request.body[:position] + byte + request.body[position + 1 :]
            assert refused(providers.caller, message, replace(request, body=body), log_lines, "wrong")
        longer = replace(request, body=request.body + b"&a=b")
        assert refused(providers.caller, message, longer, log_lines, "wrong")

    def test_with_a_changed_header_is_refused(
        self, providers: Providers, signed: tuple[Sent, Signed], log_lines: Lines
    ) -> None:
        message, request = signed
        for name, value in request.headers.items():
            for changed in (value[:-1] + ("1" if value[-1] != "1" else "2"), "x", "v1,x v2,y", "é" * 3):
                headers = {**request.headers, name: changed}
                assert refused(
                    providers.caller, message, replace(request, headers=headers), log_lines, "wrong"
                )

    def test_counts_against_no_limit(self, receipts_app: Flask, signed: tuple[Sent, Signed]) -> None:
        _, request = signed
        caller = Caller(receipts_app)
        answers = [request.send(caller) for _ in range(3)]
        answers += [replace(request, headers={}).send(caller) for _ in range(110)]

        assert {one.status_code for one in answers} == {204, 403}
        assert all("RateLimit" not in one.headers for one in answers)

    @pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "", None])
    def test_of_another_type_is_refused(
        self, providers: Providers, signed: tuple[Sent, Signed], content_type: str | None
    ) -> None:
        message, request = signed
        other = JSON if request.content_type == FORM else FORM
        for given in (content_type, other):
            response = request.send(providers.caller, content_type=given)
            assert (response.status_code, response.get_json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
            assert request.content_type in response.get_json()["detail"]
        compressed = {**request.headers, "Content-Encoding": "gzip"}
        assert request.send(providers.caller, headers=compressed).status_code == 415
        assert message.receipts() == []

    def test_larger_than_1_mib_is_refused(self, providers: Providers, signed: tuple[Sent, Signed]) -> None:
        _, request = signed
        assert request.send(providers.caller, body=b"x" * (1024 * 1024 + 1)).status_code == 413
        assert request.send(providers.caller, body=b"x" * (1024 * 1024)).status_code == 403

    def test_behind_a_proxy_is_proven_by_the_address_that_is_configured(
        self, providers: Providers, signed: tuple[Sent, Signed]
    ) -> None:
        message, request = signed
        headers = {**request.headers, "Host": "10.1.2.3:5000", "X-Forwarded-Host": "elsewhere.example.com"}
        assert request.send(providers.caller, headers=headers).status_code == 204
        assert message.receipts() != []


class TestAnotherKey:
    def test_proves_nothing(self, providers: Providers, send: Send, log_lines: Lines) -> None:
        whatsapp, mail, other_mail = send("twilio"), send("sendgrid"), send("resend")
        fields = {"MessageSid": whatsapp.message_id, "MessageStatus": "delivered"}
        events = [sendgrid_event("delivered", sent_as=mail.message_id)]
        event = resend_event("email.delivered", other_mail.message_id)
        key = ec.generate_private_key(ec.SECP256R1())

        for message, request in (
            (whatsapp, twilio(STATUS, fields, token="2c" * 16)),
            (mail, sendgrid(events, key=key)),
            (other_mail, resend(event, secret=OTHER_SECRET)),
        ):
            assert refused(providers.caller, message, request, log_lines, "wrong")


class TestAnotherAddress:
    @pytest.mark.parametrize(
        "base_url",
        ["http://mbs.test", "https://localhost", "https://10.1.2.3:5000", "https://mbs.test:8443"],
    )
    def test_is_not_what_twilio_signed(
        self, providers: Providers, send: Send, log_lines: Lines, base_url: str
    ) -> None:
        message = send()
        fields = {"MessageSid": message.message_id, "MessageStatus": "delivered"}
        request = twilio(STATUS, fields, base_url=base_url)
        # The request comes to the very host that was signed; it counts for nothing.
        request.headers["Host"] = base_url.partition("//")[2]
        if "10.1.2.3" in base_url or "localhost" in base_url:
            assert refused(providers.caller, message, request, log_lines, "wrong")
        del request.headers["Host"]
        assert refused(providers.caller, message, request, log_lines, "wrong")

    def test_of_ours_does_not_take_what_was_signed_for_the_other(
        self, providers: Providers, send: Send, log_lines: Lines
    ) -> None:
        message = send()
        answer = twilio_inbound(message.recipient, "STOP")
        assert refused(providers.caller, message, replace(answer, path=STATUS), log_lines, "wrong")
        report = twilio_status(message.message_id, "delivered")
        assert refused(providers.caller, message, replace(report, path=INBOUND), log_lines, "wrong")

    def test_with_a_query_is_signed_with_it(self, providers: Providers, send: Send, log_lines: Lines) -> None:
        message = send()
        fields = {"MessageSid": message.message_id, "MessageStatus": "delivered"}
        request = twilio(STATUS, fields, query="from=console&x=%20y")
        for path in (STATUS, f"{STATUS}?from=console", f"{STATUS}?from=console&x=%20z"):
            assert refused(providers.caller, message, replace(request, path=path), log_lines, "wrong")
        assert request.send(providers.caller).status_code == 204
        assert message.now() == "delivered"


class TestAnOldRequest:
    @pytest.mark.parametrize("age", [301, 86_400, -301])
    def test_is_refused_though_it_is_signed(
        self, providers: Providers, send: Send, log_lines: Lines, age: int
    ) -> None:
        for provider, request in (
            ("sendgrid", lambda sent: sendgrid([sendgrid_event("open", sent_as=sent)], age=age)),
            ("resend", lambda sent: resend(resend_event("email.opened", sent), age=age)),
        ):
            message = send(provider)
            assert refused(providers.caller, message, request(message.message_id), log_lines, "old")

    def test_of_four_minutes_is_not_old(self, providers: Providers, send: Send) -> None:
        message = send("sendgrid")
        late = sendgrid([sendgrid_event("delivered", sent_as=message.message_id)], age=240)
        assert late.send(providers.caller).status_code == 204
        assert message.now() == "delivered"

    def test_with_a_time_that_is_none_is_old(
        self, providers: Providers, send: Send, log_lines: Lines
    ) -> None:
        message = send("resend")
        event = resend(resend_event("email.opened", message.message_id))
        for written in ("0", "-1", "1e3", "9" * 30, "now"):
            content = f"{event.headers['svix-id']}.{written}.".encode() + event.body
            mac = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), content, "sha256")
            event.headers |= {
                "svix-timestamp": written,
                "svix-signature": f"v1,{base64.b64encode(mac).decode()}",
            }
            assert refused(providers.caller, message, event, log_lines, "old")


class TestASecretThatIsReplaced:
    def test_is_good_beside_the_new_one(self, providers: Providers, send: Send) -> None:
        message = send("resend")
        event = resend(resend_event("email.delivered", message.message_id))
        foreign = resend(resend_event("email.delivered", "other"), secret=OTHER_SECRET)
        both = f"{foreign.headers['svix-signature']} v1a,x {event.headers['svix-signature']}"
        event.headers["svix-signature"] = both
        assert event.send(providers.caller).status_code == 204
        assert message.now() == "delivered"


class TestAProviderThatIsNotSetUp:
    def test_is_not_believed(self, app: Flask, send: Send, log_lines: Lines) -> None:
        for provider, makes in REQUESTS.values():
            message = send(provider)
            assert refused(Caller(app), message, makes(message), log_lines, "not_configured")


class TestADegradedService:
    def test_asks_for_the_report_later(
        self, environ: dict[str, str], send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in environ:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("APP_ENV", "production")
        degraded = Caller(create_app())
        for provider, makes in REQUESTS.values():
            response = makes(send(provider)).send(degraded)
            assert (response.status_code, response.get_json()["code"]) == (503, "DEGRADED_MODE")
            assert int(response.headers["Retry-After"]) > 0


class TestTheKnownExamples:
    """What the providers' own documents and libraries give as an example of a signature."""

    def test_of_twilio_is_proven(self) -> None:
        fields = {
            "CallSid": "CA1234567890ABCDE",
            "Caller": "+14158675309",
            "Digits": "1234",
            "From": "+14158675309",
            "To": "+18005551212",
        }
        form = Form({name: [value] for name, value in fields.items()})
        twilio_signature = TwilioSignature("12345", base_url="https://mycompany.com")
        target = "/myapp.php?foo=1&bar=2"
        assert twilio_signature.fault(target, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=") is None
        assert twilio_signature.fault(target, form, "RSOYDt4T1cUTdK1PDd93/VVr8B9=") == "wrong"

    def test_of_sendgrid_is_proven(self) -> None:
        key = (
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPT"
            "nlvFYPAZFceEu/1FwCM/QmGUhA=="
        )
        signature = (
            "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
        )
        body = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'
        proof = SendGridSignature(key)
        at = datetime.fromtimestamp(1588788367, UTC)
        given = {"signature": signature, "timestamp": "1588788367"}
        assert proof.fault(body, **given, now=at) is None
        assert proof.fault(body, **given, now=at + timedelta(seconds=301)) == "old"
        assert proof.fault(body + b" ", **given, now=at) == "wrong"
