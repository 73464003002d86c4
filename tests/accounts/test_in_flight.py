"""What a session was let in for a moment before a new password ended it: no way in stays behind."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from mbs.auth.repository import SessionRepository
from mbs.foundation.errors import Unauthenticated
from mbs.foundation.services import EXTENSION
from mbs.sso.models import ProviderIdentity
from mbs.sso.service import SsoService
from tests.accounts.conftest import Sql
from tests.accounts.test_reset_password import forgot, reset
from tests.factories.callers import Business

__all__ = ["forgot"]

Forgot = Callable[[Business], str]
CHANGE = "/api/auth/change-email"
HOLD = "hold"


class TestARequestInFlight:
    def test_does_not_ask_to_move_the_account_after_the_reset(
        self, owner: Business, forgot: Forgot, monkeypatch: pytest.MonkeyPatch, sql: Sql
    ) -> None:
        token, real = forgot(owner), SessionRepository.hold

        def reset_then_hold(sessions: SessionRepository, id_: uuid.UUID | None) -> None:
            assert reset(owner, token).status_code == 204
            real(sessions, id_)

        monkeypatch.setattr(SessionRepository, HOLD, reset_then_hold)
        assert owner.post(CHANGE, {"email": f"x{owner.email}"}).status_code == 401
        assert tokens_of(owner, sql) == 0

    def test_asks_in_vain_before_the_reset(
        self, owner: Business, forgot: Forgot, monkeypatch: pytest.MonkeyPatch, sql: Sql
    ) -> None:
        token, real = forgot(owner), SessionRepository.hold
        answers: list[int] = []
        resetting = threading.Thread(target=lambda: answers.append(reset(owner, token).status_code))

        def hold_then_reset(sessions: SessionRepository, id_: uuid.UUID | None) -> None:
            real(sessions, id_)
            resetting.start()
            time.sleep(0.3)

        monkeypatch.setattr(SessionRepository, HOLD, hold_then_reset)
        assert owner.post(CHANGE, {"email": f"x{owner.email}"}).status_code == 202
        resetting.join()
        assert answers == [204]
        assert tokens_of(owner, sql) == 0

    def test_links_no_identity_once_its_session_is_ended(self, owner: Business, sql: Sql) -> None:
        (session_id,) = sql("SELECT id::text FROM login_sessions WHERE user_id = %s", owner.user_id)[0]
        scope = replace(owner.scope, session_id=uuid.UUID(session_id))
        service = owner.app.extensions[EXTENSION][SsoService](scope)
        assert owner.post("/api/auth/logout").status_code == 204
        identity = ProviderIdentity(issuer="https://provider.test", subject=owner.email)
        with pytest.raises(Unauthenticated):
            service.link(actor_id=owner.user_id, identity=identity)
        assert sql("SELECT count(*) FROM external_identities WHERE user_id = %s", owner.user_id) == [(0,)]


def tokens_of(owner: Business, sql: Sql) -> int:
    """Return how many links in mails are good for something."""
    return int(sql("SELECT count(*) FROM one_time_tokens WHERE user_id = %s", owner.user_id)[0][0])
