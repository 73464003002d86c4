"""Ending sessions."""

import logging
from uuid import UUID

from mbs.auth.repository import SessionRepository, record_session
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role

log = logging.getLogger("mbs.auth")


class SignInService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def log_out(self, *, session_id: UUID) -> None:
        """End the caller's session: both of its tokens are dead on every server with the next request."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            if SessionRepository(transaction).revoke(session_id, at=now, reason="logged_out"):
                transaction.enter_tenant(tenant_id)
                record_session(transaction, "session.ended", session_id, now, {"reason": "logged_out"})
        log.info("logged out", extra={"event": "auth.logged_out"})

    def log_out_everywhere(self, *, actor_id: UUID, session_id: UUID) -> None:
        """End all sessions of the caller, in all businesses."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            SessionRepository(transaction).revoke_all(actor_id, at=now, reason="logged_out_everywhere")
            transaction.enter_tenant(tenant_id)
            # How many sessions ended is not said: some were in businesses that are none of this trail's.
            record_session(transaction, "session.ended", session_id, now, {"reason": "logged_out_everywhere"})
        log.info("logged out everywhere", extra={"event": "auth.logged_out_everywhere"})
