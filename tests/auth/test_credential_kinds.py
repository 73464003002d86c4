"""Every kind of credential that is forged, cut, stale or used for another purpose: one 401, one body."""

import hashlib
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mbs.foundation import api_key_format, session_cookies
from mbs.foundation.caller import Identity
from mbs.foundation.challenges import Challenge, ChallengeCodec
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.foundation.scope import TenantId
from mbs.foundation.session_cookies import SessionCookies
from mbs.foundation.signing import Signer
from tests.auth.conftest import Sql
from tests.auth.forgery import access_secret, claims_of, forged, sign
from tests.conftest import SECRETS
from tests.factories.callers import Business, Caller, new_business

CHALLENGE = 'Bearer realm="mbs", error="invalid_token"'
OTHER = "another secret of another deployment, long enough"


@pytest.fixture(scope="module")
def holder(app: object) -> Business:
    """Somebody whose credentials are the pattern for the forgeries."""
    return new_business(Caller(app))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stranger(app: object) -> Business:
    """The owner of another business."""
    return new_business(Caller(app))  # type: ignore[arg-type]


def cookies(secret: str = SECRETS["SESSION_SECRET"]) -> SessionCookies:
    return SessionCookies(secret, None)


def identity(business: Business, **changes: uuid.UUID) -> Identity:
    ids = {
        "user_id": business.user_id,
        "tenant_id": business.tenant_id,
        "session_id": uuid.UUID(claims_of(business.token)["sid"]),
    }
    found = {**ids, **changes}
    return Identity(found["user_id"], TenantId(found["tenant_id"]), found["session_id"], "browser")


def key_of(business: Business) -> str:
    """Return a well-formed key that nobody was given."""
    return api_key_format.generate(TenantId(business.tenant_id)).text


def challenge(business: Business) -> str:
    codec = ChallengeCodec(SECRETS["SESSION_SECRET"], None)
    shown = Challenge(business.user_id, business.tenant_id, "password", b"12345678")
    return codec.encode(shown, at=datetime.now(UTC))


def flipped(text: str, position: int) -> str:
    letter = "A" if text[position] != "A" else "B"
    return text[:position] + letter + text[position + 1 :]


def signature_cut(token: str) -> str:
    return token.rsplit(".", 1)[0]


BEARER: dict[str, Callable[[Business, Business], str]] = {
    "a token of another secret": lambda us, _: sign(claims_of(us.token), OTHER),
    "a token of the refresh secret": lambda us, _: sign(claims_of(us.token), SECRETS["JWT_REFRESH_SECRET"]),
    "a token of the session secret": lambda us, _: sign(claims_of(us.token), SECRETS["SESSION_SECRET"]),
    "a token that nobody signed": lambda us, _: sign(claims_of(us.token), "", algorithm="none"),
    "a token of HS512": lambda us, _: sign(claims_of(us.token), access_secret(us), algorithm="HS512"),
    "a token of RS256": lambda us, _: sign(claims_of(us.token), access_secret(us), algorithm="RS256"),
    "a token without its signature": lambda us, _: signature_cut(str(us.token)),
    "a token cut in half": lambda us, _: str(us.token)[: len(str(us.token)) // 2],
    "a token with a letter changed": lambda us, _: flipped(str(us.token), -5),
    "a token that is over": lambda us, _: forged(us, iat=1_700_000_000, exp=1_700_000_900),
    "a token of a session that never was": lambda us, _: forged(us, sid=str(uuid.uuid4())),
    "a token of a stranger's session": lambda us, them: forged(us, sid=claims_of(them.token)["sid"]),
    "a token for a stranger's business": lambda us, them: forged(us, tenant=str(them.tenant_id)),
    "a token for a stranger": lambda us, them: forged(us, sub=str(them.user_id)),
    "a token for resetting a password": lambda us, _: forged(us, type="reset_password"),
    "a token of an invitation": lambda us, _: forged(us, type="invitation"),
    "a token of another environment": lambda us, _: forged(us, iss="urn:mbs:production"),
    "a refresh token": lambda us, _: us.refresh_token,
    "a challenge": lambda us, _: challenge(us),
    "a session cookie": lambda us, _: cookies().encode(identity(us)),
    "a session's id": lambda us, _: claims_of(us.token)["sid"],
    "a random text": lambda *_: "x" * 43,
    "a key that nobody was given": lambda us, _: key_of(us),
    "a key of a business that never was": lambda *_: api_key_format.generate(TenantId(uuid.uuid4())).text,
    "a key cut by a letter": lambda us, _: key_of(us)[:-1],
    "a key with a letter more": lambda us, _: key_of(us) + "a",
    "a key without its secret": lambda us, _: key_of(us).rpartition("_")[0],
    "a key in capitals": lambda us, _: key_of(us).upper(),
    "a key's digest": lambda us, _: hashlib.sha256(key_of(us).encode()).hexdigest(),
}

COOKIE: dict[str, Callable[[Business, Business], str]] = {
    "a cookie of another secret": lambda us, _: cookies(OTHER).encode(identity(us)),
    "a cookie of a token's session": lambda us, _: cookies().encode(identity(us)),
    "a cookie of a session that never was": lambda us, _: cookies().encode(
        identity(us, session_id=uuid.uuid4())
    ),
    "a cookie for a stranger's business": lambda us, them: cookies().encode(
        identity(us, tenant_id=them.tenant_id)
    ),
    "a cookie for a stranger": lambda us, them: cookies().encode(identity(us, user_id=them.user_id)),
    "a cookie cut by a letter": lambda us, _: cookies().encode(identity(us))[:-1],
    "a cookie with a letter changed": lambda us, _: flipped(cookies().encode(identity(us)), 10),
    "a cookie with a letter more": lambda us, _: cookies().encode(identity(us)) + "A",
    "a cookie with a signature alone": lambda *_: Signer(
        SECRETS["SESSION_SECRET"], None, "mbs.cookie.v1"
    ).sign(b""),
    "an access token": lambda us, _: str(us.token),
    "a refresh token": lambda us, _: us.refresh_token,
    "a challenge": lambda us, _: challenge(us),
    "a CSRF token": lambda us, _: cookies().csrf_token(identity(us).session_id),
    "an API key": lambda us, _: key_of(us),
}

REFRESH: dict[str, Callable[[Business], str]] = {
    "of another secret": lambda us: RefreshTokenCodec(OTHER, None).encode(
        RefreshToken(identity(us).session_id, 0)
    ),
    "of a turn that never was": lambda us: RefreshTokenCodec(SECRETS["JWT_REFRESH_SECRET"], None).encode(
        RefreshToken(identity(us).session_id, 9)
    ),
    "that is an access token": lambda us: str(us.token),
    "that is a session cookie": lambda us: cookies().encode(identity(us)),
    "that is a challenge": challenge,
    "that is an API key": key_of,
}


def body_of(caller: Caller, path: str = "/api/customers", **options: object) -> tuple[object, ...]:
    """Return what an answer says, without what differs in any two answers."""
    response = caller.get(path, **options)
    body = dict(response.json or {})
    for name in ("correlationId", "timestamp"):
        body.pop(name, None)
    return (
        response.status_code,
        response.headers.get("WWW-Authenticate"),
        tuple(sorted(map(str, body.items()))),
    )


class TestEveryKind:
    def test_is_one_answer(self, holder: Business, stranger: Business) -> None:
        answers = {}
        for name, forge in BEARER.items():
            caller = Caller(holder.app, token=forge(holder, stranger))
            answers[f"Authorization: {name}"] = body_of(caller)
        for name, forge in COOKIE.items():
            caller = Caller(holder.app)
            # The test client's own jar would put this header away.
            caller._client = holder.app.test_client(use_cookies=False)
            header = {"Cookie": f"{session_cookies.NAME}={forge(holder, stranger)}"}
            answers[f"Cookie: {name}"] = body_of(caller, headers=header)
        assert len(answers) >= 40
        assert {one[0] for one in answers.values()} == {401}, answers
        assert [name for name, one in answers.items() if one[1] != CHALLENGE] == []
        assert len(set(answers.values())) == 1, answers

    @pytest.mark.parametrize("kind", REFRESH)
    def test_of_refresh_token_is_refused(self, holder: Business, kind: str) -> None:
        response = Caller(holder.app).post("/api/auth/refresh", {"refreshToken": REFRESH[kind](holder)})
        assert response.status_code == 401
        assert response.json is not None
        assert response.json["code"] == "UNAUTHENTICATED"

    def test_leaves_the_real_ones_alone(self, holder: Business, sql: Sql) -> None:
        assert holder.get("/api/customers").status_code == 200
        kind = sql("SELECT kind FROM login_sessions WHERE id = %s", str(identity(holder).session_id))
        assert kind == [("token",)]
