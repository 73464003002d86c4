"""What services share, and the gateways to other companies: made once a process from its configuration."""

import importlib
from dataclasses import dataclass
from functools import partial
from typing import Self

from mbs.config import Config
from mbs.foundation.challenges import ChallengeCodec
from mbs.foundation.clock import Clock, SystemClock
from mbs.foundation.db import Begin, Database
from mbs.foundation.http_client import bounded_session
from mbs.foundation.refresh_tokens import RefreshTokenCodec
from mbs.foundation.scope import Scope
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
from mbs.mail.gateways.chain import GatewayChain
from mbs.mail.gateways.console import ConsoleGateway, NoGateway
from mbs.mail.gateways.interface import Gateway
from mbs.mail.gateways.resend import ResendGateway
from mbs.mail.gateways.sendgrid import SendGridGateway
from mbs.notifications.gateways.console import ConsoleWhatsApp, NoWhatsApp
from mbs.notifications.gateways.interface import WhatsAppGateway
from mbs.sso.gateways import Provider
from mbs.sso.models import TicketCodec


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What services share, made once a process."""

    config: Config
    database: Database
    clock: Clock
    throttle: Throttle
    tokens: RefreshTokenCodec
    challenges: ChallengeCodec
    sealer: Sealer
    tickets: TicketCodec
    provider: Provider | None

    @classmethod
    def of(cls, config: Config, *, database: Database, throttle: Throttle) -> Self:
        """Return the parts that a configuration describes."""
        # The session secret stands in for an encryption secret that was not set, or is new.
        sealing = (config.encryption_secret, config.encryption_secret_previous)
        session = (config.session_secret, config.session_secret_previous)
        return cls(
            config=config,
            database=database,
            clock=SystemClock(),
            throttle=throttle,
            tokens=RefreshTokenCodec(config.jwt_refresh_secret, config.jwt_refresh_secret_previous),
            challenges=ChallengeCodec(*session),
            sealer=Sealer((*sealing, *session)),
            tickets=TicketCodec(*session),
            provider=provider(config),
        )

    def begin(self, scope: Scope) -> Begin:
        return partial(self.database.transaction, scope)


def provider(config: Config) -> Provider | None:
    """Return the provider of single sign-on, which is not asked yet; None where it is not set up."""
    if config.issuer_url is None or config.oidc_client_id is None:
        return None
    return Provider(config.issuer_url, config.oidc_client_id, config.oidc_client_secret)


def mail_providers(config: Config) -> list[str]:
    """Return the names of the providers of e-mail that are set up, the one that goes first first."""
    if config.email_from is None:
        return []
    keys = {"sendgrid": config.sendgrid_api_key, "resend": config.resend_api_key}
    return [name for name, key in keys.items() if key is not None]


def mail_gateway(config: Config) -> Gateway:
    """Return who carries mails out; a process has one, so that all its jobs know which provider is away."""
    session, gateways = bounded_session(), list[Gateway]()
    for name in mail_providers(config):
        kind = SendGridGateway if name == "sendgrid" else ResendGateway
        gateways.append(
            kind(
                session,
                base=getattr(config, f"{name}_api_base"),
                key=getattr(config, f"{name}_api_key"),
                address=str(config.email_from),
                reply_to=config.email_reply_to,
            )
        )
    if gateways:
        return GatewayChain(gateways)
    return NoGateway() if config.is_deployed else ConsoleGateway()


def whatsapp_gateway(config: Config) -> WhatsAppGateway:
    """Return who carries WhatsApp messages out; a process has one.

    Where Twilio is set up this loads its library, of tens of MB: for processes that send.
    """
    if config.twilio_account_sid is None:
        return NoWhatsApp() if config.is_deployed else ConsoleWhatsApp()
    module = importlib.import_module("mbs.notifications.gateways.twilio_messages")
    gateway: WhatsAppGateway = module.TwilioGateway(
        bounded_session(),
        base=config.twilio_api_base,
        account=config.twilio_account_sid,
        token=config.twilio_auth_token,
        sender=config.twilio_whatsapp_from,
        base_url=config.base_url,
    )
    return gateway


def messages_by(config: Config) -> str:
    """Return in words by whom messages leave; nobody is asked."""
    mails, whatsapp = mail_providers(config), config.twilio_account_sid is not None
    if not mails and not whatsapp:
        return "not configured"
    by_mail = f"by {', then '.join(mails)}" if mails else "not configured"
    return f"e-mail {by_mail}; WhatsApp {'by twilio' if whatsapp else 'not configured'}"


def own_origins(config: Config) -> tuple[str, ...]:
    """Return under which addresses the service is reached, the one that its links name first."""
    main = config.base_url or f"http://localhost:{config.port}"
    return (main, *(f"https://{domain}" for domain in config.replit_domains))
