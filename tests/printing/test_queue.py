"""Long documents: left to a worker, printed once, whatever becomes of workers meanwhile."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Role
from mbs.foundation.scope import Scope
from mbs.printing import service
from mbs.printing.models.jobs import FORGIVEN, LEASE, LINES_IN_REQUEST, PAUSES
from mbs.printing.service import PrintQueueService
from tests.factories.callers import Business
from tests.factories.invoices import charge_gst, item, new_draft, new_invoice
from tests.factories.mails import SetClock
from tests.printing.paper import text_of, texts_of

LONG = [item(description=f"Haircut number {number}") for number in range(LINES_IN_REQUEST + 1)]
OWN = text("SELECT * FROM document_prints WHERE document_id = :id")

Work = Callable[..., PrintQueueService]


@pytest.fixture
def salon(owner: Business) -> Business:
    """A business that charges GST."""
    return charge_gst(owner)


@pytest.fixture
def work(salon: Business) -> Iterator[Work]:
    """Return a function that gives a worker; nothing waits before and after, of any business."""

    def worker(clock: Any = None) -> PrintQueueService:
        begin = partial(salon.database.transaction, Scope(correlation_id="worker"))
        return PrintQueueService(begin=begin, clock=clock or SystemClock())

    def empty() -> None:
        with salon.database.transaction(Scope(), Role.IDENTITY) as transaction:
            transaction.execute(text("UPDATE document_prints SET claimed_until = NULL, attempts = 99"))
        while worker().print_next():
            pass

    empty()
    yield worker
    empty()


def ask(owner: Business, invoice: Any) -> Any:
    return owner.get(f"/api/invoices/{invoice['id']}/pdf")


def stored(owner: Business, invoice: Any) -> Any:
    with owner.database.transaction(owner.scope) as transaction:
        return transaction.execute(OWN, {"id": invoice["id"]}).one_or_none()


class TestALongDocument:
    def test_is_made_by_a_worker(self, salon: Business, work: Work) -> None:
        invoice = new_invoice(salon, *LONG)
        waits = ask(salon, invoice)
        assert (waits.status_code, waits.json) == (202, {"status": "queued"})
        assert int(waits.headers["Retry-After"]) >= 1
        assert ask(salon, invoice).status_code == 202
        assert work().waiting() == 1
        assert [work().print_next(), work().print_next()] == [True, False]
        response = ask(salon, invoice)
        assert response.status_code == 200, response.text
        assert response.content_type == "application/pdf"
        assert len(texts_of(response.data)) > 2
        assert f"Haircut number {len(LONG) - 1} " in text_of(response.data)
        assert stored(salon, invoice).attempts == 1

    def test_is_counted_by_its_text_and_not_by_its_lines_alone(self, salon: Business, work: Work) -> None:
        assert ask(salon, new_invoice(salon, notes="\n".join("x" * LINES_IN_REQUEST))).status_code == 202
        assert ask(salon, new_invoice(salon, *LONG[: LINES_IN_REQUEST - 1])).status_code == 200

    def test_is_made_anew_when_it_has_changed(self, salon: Business, work: Work) -> None:
        draft = new_draft(salon, *LONG)
        assert ask(salon, draft).status_code == 202
        assert work().print_next()
        first = ask(salon, draft)
        assert salon.patch(f"/api/invoices/{draft['id']}", {"notes": "See you soon."}).status_code == 200
        assert ask(salon, draft).status_code == 202
        # And again, while it waits: what is printed is what it has become.
        assert salon.patch(f"/api/invoices/{draft['id']}", {"notes": "Come again."}).status_code == 200
        assert work().print_next()
        again = ask(salon, draft)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.headers["ETag"] != again.headers["ETag"]
        assert "Come again." in text_of(again.data)

    def test_goes_with_its_draft(self, salon: Business, work: Work) -> None:
        draft = new_draft(salon, *LONG)
        ask(salon, draft)
        assert salon.delete(f"/api/invoices/{draft['id']}").status_code == 204
        assert stored(salon, draft) is None
        assert not work().print_next()

    def test_is_one_worker_s_at_a_time(self, salon: Business, work: Work) -> None:
        invoices = [new_invoice(salon, *LONG) for _ in range(3)]
        for invoice in invoices:
            ask(salon, invoice)
        ready = threading.Barrier(4)

        def race() -> int:
            ready.wait(10)
            return sum(iter(lambda: work().print_next(), False))

        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(race) for _ in range(4)]
            assert sum(one.result(60) for one in done) == 3
        assert [stored(salon, one).attempts for one in invoices] == [1, 1, 1]
        assert {ask(salon, one).status_code for one in invoices} == {200}


class TestManyLongDocuments:
    def test_of_one_business_do_not_fill_the_queue(
        self, salon: Business, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mbs.printing.service.MOST_WAITING", 1)
        first, second = (new_invoice(salon, *LONG) for _ in range(2))
        assert [ask(salon, first).status_code, ask(salon, first).status_code] == [202, 202]
        refused = ask(salon, second)
        assert (refused.status_code, refused.json["code"]) == (429, "RATE_LIMITED")
        assert int(refused.headers["Retry-After"]) > 1
        assert stored(salon, second) is None
        assert work().print_next()
        assert ask(salon, second).status_code == 202


class TestAWorkerThatDies:
    def test_leaves_its_document_to_another(self, salon: Business, work: Work) -> None:
        invoice, clock = new_invoice(salon, *LONG), SetClock()
        ask(salon, invoice)
        with salon.database.transaction(Scope(), Role.IDENTITY) as transaction:
            claim = service.PrintQueue(transaction).claim(at=clock.now(), lease=LEASE)
        assert claim is not None
        assert not work(clock).print_next()
        clock.ahead += LEASE + timedelta(seconds=1)
        assert work(clock).print_next()
        assert stored(salon, invoice).status == "ready"


class TestADocumentThatCannotBePrinted:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
        def fail(_: object) -> bytes:
            raise ZeroDivisionError("of Jane Smith")

        with monkeypatch.context() as patched:
            patched.setattr(service.pages(), "draw", fail)
            yield patched

    def test_is_tried_three_times_and_then_refused(
        self, salon: Business, work: Work, broken: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        invoice, clock = new_invoice(salon, *LONG), SetClock()
        ask(salon, invoice)
        for pause in (*PAUSES, timedelta(0)):
            assert work(clock).print_next()
            assert not work(clock).print_next()
            clock.ahead += pause + timedelta(seconds=1)
        row = stored(salon, invoice)
        assert (row.status, row.attempts, row.last_error) == ("failed", 3, "ZeroDivisionError")
        assert [one.levelno for one in caplog.records if one.__dict__.get("event") == "job.print_faulty"] == [
            logging.ERROR
        ] * 3
        refused = ask(salon, invoice)
        assert refused.status_code == 503
        assert refused.json["code"] == "PRINT_FAILED"
        assert 0 < int(refused.headers["Retry-After"]) <= (FORGIVEN + clock.ahead).total_seconds() + 10

    def test_is_tried_again_after_an_hour(
        self, salon: Business, work: Work, broken: pytest.MonkeyPatch
    ) -> None:
        invoice = new_invoice(salon, *LONG)
        ask(salon, invoice)
        clock = SetClock()
        for _ in range(3):
            assert work(clock).print_next()
            clock.ahead += LEASE * 2
        with salon.database.transaction(salon.scope) as transaction:
            transaction.execute(
                text("UPDATE document_prints SET finished_at = finished_at - interval '2 hours'")
            )
        assert ask(salon, invoice).status_code == 202
        broken.undo()
        assert work().print_next()
        assert ask(salon, invoice).status_code == 200

    def test_does_not_hold_up_the_others(self, salon: Business, work: Work, broken: Any) -> None:
        first, second = new_invoice(salon, *LONG), new_invoice(salon, *LONG)
        ask(salon, first)
        ask(salon, second)
        assert work().print_next()
        broken.undo()
        assert [work().print_next(), work().print_next()] == [True, False]
        assert [ask(salon, one).status_code for one in (first, second)] == [202, 200]
