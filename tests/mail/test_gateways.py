"""SendGrid, Resend and Twilio as a stand-in plays them: what they get, and what their answers mean."""

import io
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from mbs.config import Config, secret_values
from mbs.foundation import logs
from mbs.foundation.http_client import Bounds, bounded_session
from mbs.mail.gateways.breaker import FAILURES
from mbs.mail.gateways.chain import GatewayChain
from mbs.mail.gateways.console import ConsoleGateway, NoGateway
from mbs.mail.gateways.interface import (
    Gateway,
    Misconfigured,
    NotTried,
    RateExceeded,
    Receipt,
    Refused,
    Suppressed,
    Unavailable,
)
from mbs.mail.gateways.resend import ResendGateway
from mbs.mail.gateways.sendgrid import SendGridGateway
from mbs.mail.models import Attachment, Message
from mbs.notifications.gateways.console import ConsoleWhatsApp, NoWhatsApp
from mbs.notifications.gateways.twilio_messages import TwilioGateway
from mbs.parts import mail_gateway, whatsapp_gateway
from tests.conftest import SECRETS
from tests.factories.stand_in_provider import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    CLOSING,
    CONTENT_SID,
    DRIPPING,
    EMAIL_FROM,
    GARBAGE,
    REDIRECTING,
    Provider,
    Reply,
    StandInProvider,
    stand_in_provider,
)

ID = uuid.uuid4()
PHONE = "+919812345678"
MAIL = Message("jane@example.com", "Your booking", "See you.\n", id=ID)
KINDS: dict[str, Any] = {"sendgrid": SendGridGateway, "resend": ResendGateway}
PATIENCE = 0.5
"""The whole answer's, here."""

Send = Callable[[], Receipt]
each_provider = pytest.mark.parametrize("name", ["sendgrid", "resend", "twilio"])
each_mail_provider = pytest.mark.parametrize("name", ["sendgrid", "resend"])

FAR = "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"
"""A date that no number holds."""


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with stand_in_provider() as running:
        yield running


def config_of(provider: StandInProvider, *names: Provider, **changes: str) -> Config:
    environ = {"APP_ENV": "test", "DATABASE_URL": "postgresql://a:b@localhost/c", **SECRETS}
    return Config.load({**environ, **provider.environ(*names), **changes})


def mails_by(name: str, provider: StandInProvider, reply_to: str | None = None) -> Gateway:
    session = bounded_session(Bounds(read=PATIENCE))
    gateway: Gateway = KINDS[name](
        session, base=provider.url, key="key-canary", address=EMAIL_FROM, reply_to=reply_to
    )
    return gateway


def sends_by(name: str, provider: StandInProvider) -> tuple[Send, Callable[[], bool]]:
    """Return how to send a message by a provider, and how to ask whether it is ready."""
    if name != "twilio":
        gateway = mails_by(name, provider)
        return lambda: gateway.send(MAIL), gateway.ready
    twilio = TwilioGateway(
        bounded_session(Bounds(read=PATIENCE)),
        base=provider.url,
        account=ACCOUNT_SID,
        token=AUTH_TOKEN,
        sender="whatsapp:+14155550100",
        base_url="https://mbs.test",
    )
    return lambda: twilio.send(PHONE, CONTENT_SID, {"1": "Jane"}, ID), twilio.ready


class TestEveryProvider:
    @each_provider
    def test_takes_a_message_and_names_it(self, provider: StandInProvider, name: Any) -> None:
        send, ready = sends_by(name, provider)
        receipt = send()
        (request,) = provider.taken(name)
        assert receipt == Receipt(name, request.message_id)
        assert ready()

    @each_provider
    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply(400), Refused),
            (Reply(404), Refused),
            (Reply(413), Refused),
            (Reply(422), Refused),
            (Reply(401), Misconfigured),
            (Reply(403), Misconfigured),
            (Reply(408), Unavailable),
            (Reply(429), RateExceeded),
            (Reply(500), Unavailable),
            (Reply(502), Unavailable),
            (Reply(503), Unavailable),
            (DRIPPING, Unavailable),
            (GARBAGE, Unavailable),
            (Reply(400, manner="garbage"), Unavailable),
            (Reply(403, manner="garbage"), Unavailable),
            (CLOSING, Unavailable),
            (REDIRECTING, Unavailable),
        ],
        ids=lambda said: f"{said.status} {said.manner}" if isinstance(said, Reply) else said.__name__,
    )
    def test_is_understood(
        self, provider: StandInProvider, name: Any, reply: Reply, error: type[Exception]
    ) -> None:
        send, ready = sends_by(name, provider)
        provider.reply(name, reply)
        started = time.monotonic()
        with pytest.raises(error) as raised:
            send()
        assert raised.type is error
        assert time.monotonic() - started < PATIENCE + 2
        assert provider.taken() == []
        assert ready() is (error is not Misconfigured)
        assert "jane" not in str(raised.value)
        assert PHONE not in str(raised.value)

    @each_provider
    def test_is_left_alone_when_it_does_not_answer(self, provider: StandInProvider, name: Any) -> None:
        send, ready = sends_by(name, provider)
        provider.always(name, Reply(500))
        for _ in range(FAILURES):
            with pytest.raises(Unavailable):
                send()
        assert not ready()
        with pytest.raises(NotTried):
            send()
        assert provider.asked(name) == FAILURES

    @each_provider
    def test_is_given_up_when_it_freezes(self, provider: StandInProvider, name: Any) -> None:
        send, _ = sends_by(name, provider)
        provider.freeze()
        started = time.monotonic()
        with pytest.raises(Unavailable, match="ReadTimeout"):
            send()
        assert time.monotonic() - started < PATIENCE + 2
        provider.thaw()
        send()

    @each_provider
    @pytest.mark.parametrize(
        ("said", "seconds"),
        [
            ("7", 7),
            ("999999", 4 * 3600),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
            ("soon", None),
            ("-3", None),
            (FAR, None),
        ],
    )
    def test_is_come_back_to_when_it_asks(
        self, provider: StandInProvider, name: Any, said: str, seconds: float | None
    ) -> None:
        send, _ = sends_by(name, provider)
        provider.reply(name, Reply(429, retry_after=said))
        with pytest.raises(RateExceeded) as raised:
            send()
        assert raised.value.retry_after == seconds

    @each_provider
    def test_leaves_no_secret_in_the_log(self, provider: StandInProvider, name: Any) -> None:
        config = config_of(provider, "sendgrid", "resend", "twilio")
        shown = io.StringIO()
        handler = logging.StreamHandler(shown)
        root = logging.getLogger()
        before = list(root.handlers), root.level
        try:
            root.handlers = [handler]
            logs.configure(
                level="DEBUG", form="json", secrets=secret_values(config), release="1", environment="test"
            )
            root.addHandler(handler)
            provider.always(name, Reply(401))
            whatsapp, mails = whatsapp_gateway(config), mail_gateway(config_of(provider, name))
            with pytest.raises(Misconfigured):
                whatsapp.send(PHONE, CONTENT_SID, {"1": "Jane"}, ID) if name == "twilio" else mails.send(MAIL)
        finally:
            root.handlers = before[0]
            root.setLevel(before[1])
        said = shown.getvalue()
        assert "provider left alone" in said
        for secret in (*secret_values(config), "jane@example.com", PHONE):
            assert secret not in said


class TestANameOfAMessage:
    @pytest.mark.parametrize("said", [None, 7, "", "a\0b", "a b", "a\u2028b", "é", "m" * 256])
    def test_is_none_that_the_database_would_refuse(self, said: object) -> None:
        session = requests.Session()
        session.mount("https://", _Answering(200, {"id": said}))
        gateway = ResendGateway(session, base="https://resend.test", key="re_1", address="hello@mbs.test")
        with pytest.raises(Unavailable):
            gateway.send(Message("jane@example.com", "Hello", "Hello"))


class _Answering(requests.adapters.BaseAdapter):
    def __init__(self, status: int, said: object) -> None:
        super().__init__()
        self._status, self._said = status, said

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.request = self._status, request
        response._content = json.dumps(self._said).encode()
        return response

    def close(self) -> None:
        pass


class TestMails:
    @each_mail_provider
    def test_come_from_the_service_in_the_name_of_the_business(
        self, provider: StandInProvider, name: Any
    ) -> None:
        gateway = mails_by(name, provider, reply_to="support@mbs.test")
        named = Message(
            "jane@example.com",
            "Hi",
            "Text",
            sender_name='Asha\'s "Salon", evil.io',
            reply_to="asha@example.com",
        )
        gateway.send(named)
        gateway.send(MAIL)
        first, second = (request.body for request in provider.taken())
        if name == "sendgrid":
            assert first["from"] == {"email": EMAIL_FROM, "name": "Asha's Salon, evil. io"}
            assert [one["reply_to"] for one in (first, second)] == [
                {"email": "asha@example.com"},
                {"email": "support@mbs.test"},
            ]
            assert second["from"] == {"email": EMAIL_FROM}
        else:
            assert first["from"] == f'"Asha\'s Salon, evil. io" <{EMAIL_FROM}>'
            assert [one["reply_to"] for one in (first, second)] == ["asha@example.com", "support@mbs.test"]
            assert second["from"] == EMAIL_FROM

    def test_reach_sendgrid_as_it_wants_them(self, provider: StandInProvider) -> None:
        pdf = Attachment("bill.pdf", "application/pdf", b"%PDF")
        mail = Message("jane@example.com", "Grüße", "Text", html="<p>Text</p>", id=ID, attachments=(pdf,))
        mails_by("sendgrid", provider).send(mail)
        (request,) = provider.requests
        assert request.headers["Authorization"] == "Bearer key-canary"
        assert request.body == {
            "personalizations": [{"to": [{"email": "jane@example.com"}]}],
            "from": {"email": EMAIL_FROM},
            "subject": "Grüße",
            "content": [
                {"type": "text/plain", "value": "Text"},
                {"type": "text/html", "value": "<p>Text</p>"},
            ],
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
            },
            "custom_args": {"notification_id": str(ID)},
            "headers": {"X-Entity-Ref-ID": str(ID)},
            "attachments": [
                {
                    "content": "JVBERg==",
                    "type": "application/pdf",
                    "filename": "bill.pdf",
                    "disposition": "attachment",
                }
            ],
        }

    def test_reach_resend_as_it_wants_them(self, provider: StandInProvider) -> None:
        pdf = Attachment("bill.pdf", "application/pdf", b"%PDF")
        mail = Message("jane@example.com", "Hi", "Text", html="<p>Text</p>", id=ID, attachments=(pdf,))
        mails_by("resend", provider).send(mail)
        (request,) = provider.requests
        assert request.headers["Authorization"] == "Bearer key-canary"
        assert request.headers["Idempotency-Key"] == str(ID)
        assert request.body == {
            "from": EMAIL_FROM,
            "to": ["jane@example.com"],
            "subject": "Hi",
            "text": "Text",
            "html": "<p>Text</p>",
            "tags": [{"name": "notification_id", "value": str(ID)}],
            "headers": {"X-Entity-Ref-ID": str(ID)},
            "attachments": [
                {"filename": "bill.pdf", "content": "JVBERg==", "content_type": "application/pdf"}
            ],
        }

    def test_are_not_sent_twice_by_resend(self, provider: StandInProvider) -> None:
        gateway = mails_by("resend", provider)
        first = gateway.send(MAIL)
        assert gateway.send(MAIL) == first
        changed = Message(MAIL.to, MAIL.subject, "See you soon.\n", id=ID)
        assert gateway.send(changed) == Receipt("resend"), "it has been sent before, with other words"

    @pytest.mark.parametrize(
        "change",
        [
            {"to": "jane@example.com\r\nBcc: all@example.com"},
            {"to": "jane@example.com,all@example.com"},
            {"to": "Jane <jane@example.com>"},
            {"to": "jane"},
            {"subject": "Hi\r\nBcc: all@example.com"},
            {"subject": "Hi\x00"},
            {"subject": "Hi\u2028"},
            {"sender_name": "Salon\nBcc: all@example.com"},
            {"sender_name": "Salon\x1b[2J"},
            {"reply_to": "asha@example.com\nX: y"},
            {"reply_to": "asha"},
            {"attachments": (Attachment("a\r\nb.pdf", "application/pdf", b""),)},
        ],
        ids=str,
    )
    def test_forge_no_header(self, provider: StandInProvider, change: dict[str, Any]) -> None:
        forged = Message(**{"to": "jane@example.com", "subject": "Hi", "text": "Text", **change})
        shown = io.StringIO()
        for gateway in (mails_by("sendgrid", provider), mails_by("resend", provider), ConsoleGateway(shown)):
            with pytest.raises(Refused):
                gateway.send(forged)
            assert gateway.ready()
        assert provider.requests == []
        assert shown.getvalue() == ""


class TestWhatsApp:
    def test_reaches_twilio_as_it_wants_it(self, provider: StandInProvider) -> None:
        gateway = whatsapp_gateway(config_of(provider, "twilio"))
        gateway.send(PHONE, CONTENT_SID, {"1": "Jänë", "2": "10:30"}, ID)
        (request,) = provider.requests
        assert request.body == {
            "To": f"whatsapp:{PHONE}",
            "From": "whatsapp:+14155550100",
            "ContentSid": CONTENT_SID,
            "ContentVariables": request.body["ContentVariables"],
            "StatusCallback": f"https://mbs.test/api/webhooks/twilio/status?id={ID}",
        }
        assert json.loads(request.body["ContentVariables"]) == {"1": "Jänë", "2": "10:30"}

    @pytest.mark.parametrize(
        ("to", "content"),
        [
            ("jane@example.com", CONTENT_SID),
            (f"{PHONE}\r\n", CONTENT_SID),
            (f"whatsapp:{PHONE}", CONTENT_SID),
            (PHONE, "hello"),
            (PHONE, f"{CONTENT_SID}\n"),
        ],
    )
    def test_goes_to_phone_numbers_by_templates_alone(
        self, provider: StandInProvider, to: str, content: str
    ) -> None:
        with pytest.raises(Refused):
            whatsapp_gateway(config_of(provider, "twilio")).send(to, content, {}, ID)
        assert provider.requests == []

    def test_goes_nowhere_else_by_the_environment(
        self, provider: StandInProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWILIO_REGION", "au1")
        monkeypatch.setenv("TWILIO_EDGE", "sydney")
        assert whatsapp_gateway(config_of(provider, "twilio")).send(PHONE, CONTENT_SID, {}, ID).message_id

    def test_whose_sender_is_unknown_is_the_service_s_fault(self, provider: StandInProvider) -> None:
        gateway = whatsapp_gateway(config_of(provider, "twilio"))
        provider.reply("twilio", Reply(400, code=63007))
        with pytest.raises(Misconfigured):
            gateway.send(PHONE, CONTENT_SID, {}, ID)
        assert not gateway.ready()


class TestBothMailProviders:
    @pytest.fixture
    def gateway(self, provider: StandInProvider) -> GatewayChain:
        return GatewayChain([mails_by("sendgrid", provider), mails_by("resend", provider)])

    def test_are_used_in_their_order(self, provider: StandInProvider, gateway: GatewayChain) -> None:
        assert gateway.send(MAIL).provider == "sendgrid"
        assert provider.asked("resend") == 0

    @pytest.mark.parametrize(
        "reply", [Reply(401), Reply(403), Reply(500), DRIPPING, GARBAGE, CLOSING], ids=str
    )
    def test_step_in_for_each_other(
        self, provider: StandInProvider, gateway: GatewayChain, reply: Reply
    ) -> None:
        provider.reply("sendgrid", reply)
        assert gateway.send(MAIL).provider == "resend"
        assert provider.asked("sendgrid") == 1

    def test_step_in_while_the_breaker_is_open(
        self, provider: StandInProvider, gateway: GatewayChain
    ) -> None:
        provider.reply("sendgrid", Reply(401))
        for _ in range(3):
            assert gateway.send(MAIL).provider == "resend"
        assert provider.asked("sendgrid") == 1
        assert gateway.ready()

    @pytest.mark.parametrize(("status", "error"), [(400, Refused), (429, RateExceeded)])
    def test_are_not_played_off_against_each_other(
        self, provider: StandInProvider, gateway: GatewayChain, status: int, error: type[Exception]
    ) -> None:
        provider.reply("sendgrid", Reply(status))
        with pytest.raises(error):
            gateway.send(MAIL)
        assert provider.asked("resend") == 0

    @pytest.mark.parametrize(
        ("first", "second", "error"),
        [
            (401, 401, Misconfigured),
            (401, 500, Unavailable),
            (500, 403, Unavailable),
            (500, 500, Unavailable),
            (500, 400, Refused),
        ],
    )
    def test_fail_by_what_leaves_the_most_hope(
        self,
        provider: StandInProvider,
        gateway: GatewayChain,
        first: int,
        second: int,
        error: type[Exception],
    ) -> None:
        provider.reply("sendgrid", Reply(first))
        provider.reply("resend", Reply(second))
        with pytest.raises(error) as raised:
            gateway.send(MAIL)
        assert raised.type is error

    def test_are_not_ready_when_neither_is(self, provider: StandInProvider, gateway: GatewayChain) -> None:
        provider.always("sendgrid", Reply(401))
        provider.always("resend", Reply(401))
        with pytest.raises(Misconfigured):
            gateway.send(MAIL)
        assert not gateway.ready()
        with pytest.raises(NotTried) as raised:
            gateway.send(MAIL)
        assert raised.value.retry_after is not None


class TestConfiguredGateways:
    def test_are_the_providers_with_a_key(self, provider: StandInProvider) -> None:
        assert mail_gateway(config_of(provider, "resend")).send(MAIL).provider == "resend"
        assert mail_gateway(config_of(provider, "sendgrid", "resend")).send(MAIL).provider == "sendgrid"

    def test_are_a_screen_in_development(self, provider: StandInProvider) -> None:
        config = config_of(provider)
        assert isinstance(mail_gateway(config), ConsoleGateway)
        assert isinstance(whatsapp_gateway(config), ConsoleWhatsApp)

    def test_are_nobody_in_production(self) -> None:
        environ = {"APP_ENV": "production", "DATABASE_URL": "postgresql://a:b@localhost/c", **SECRETS}
        config = Config.load({**environ, "BASE_URL": "https://mbs.test"})
        gateways = mail_gateway(config), whatsapp_gateway(config)
        assert isinstance(gateways[0], NoGateway)
        assert isinstance(gateways[1], NoWhatsApp)
        with pytest.raises(Suppressed):
            gateways[0].send(MAIL)
        with pytest.raises(Suppressed):
            gateways[1].send(PHONE, CONTENT_SID, {}, ID)

    def test_show_whatsapp_to_a_developer(self) -> None:
        shown = io.StringIO()
        ConsoleWhatsApp(shown).send(PHONE, CONTENT_SID, {"1": "Jane\x1b"}, ID)
        assert "\x1b" not in shown.getvalue()
        assert CONTENT_SID in shown.getvalue()
