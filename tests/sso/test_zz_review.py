from datetime import UTC, datetime
import uuid
import pytest
from tests.sso.test_links import *  # noqa
from tests.sso.test_links import link, linked
from tests.factories.callers import Business, Caller, new_business, PASSWORD
from tests.sso.browsers import Browser, new_subject
from tests.accounts.conftest import sql, mails_to
from tests.factories.mails import token_in
from tests.second_factor.enrolment import enrol
from mbs.foundation.db import Role

for name in list(globals()):
    if name.startswith("Test"):
        del globals()[name]

class TestReview:
    def test_trojan(self, owner, browser, mails_to):
        subject = new_subject()
        linked(owner, browser, subject)
        enrol(owner)
        print("mails on link", [m.subject for m in mails_to(owner.email)])
        c = Caller(owner.app)
        assert c.post("/api/auth/forgot-password", {"email": owner.email}).status_code == 202
        (m,) = mails_to(owner.email, "reset_password")
        r = c.post("/api/auth/reset-password", {"token": token_in(m), "password": "eleven brown kettles"})
        assert r.status_code == 204
        r = c.post("/api/auth/login", {"email": owner.email, "password": "eleven brown kettles"})
        print("victim login", r.status_code, r.json)
        r = browser.sign_in(subject)
        print("attacker sso", r.status_code, r.headers["Location"], browser.person())
        assert 0
