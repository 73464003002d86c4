"""What services share, made once a process from its configuration."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from mbs.config import Config
from mbs.foundation.challenges import ChallengeCodec
from mbs.foundation.clock import Clock, SystemClock
from mbs.foundation.db import Begin, Database
from mbs.foundation.refresh_tokens import RefreshTokenCodec
from mbs.foundation.scope import Scope
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
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


def own_origins(config: Config) -> tuple[str, ...]:
    """Return under which addresses the service is reached, the one that its links name first."""
    main = config.base_url or f"http://localhost:{config.port}"
    return (main, *(f"https://{domain}" for domain in config.replit_domains))
