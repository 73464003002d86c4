"""What a document is printed from, and the queue of the long ones."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from mbs.branding.models.tables import Logo
from mbs.customers.models import Customer
from mbs.foundation.db import Transaction
from mbs.foundation.errors import NotFound
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document
from mbs.locations.models import Location
from mbs.printing.models.tables import DocumentPrint
from mbs.tenants.models import Tenant

QUEUE = DocumentPrint.__table__.c


class PaperRepository(Repository):
    """Documents with all that stands on their paper beside their lines."""

    model = Document

    def find(self, id_: UUID, *, type_: str | None = None) -> Row[Any]:
        """Return a document as it is printed.

        :param type_: None: whatever it is.
        :return: what `models.composing` reads; of its location, its customer and its business what
            `mbs.invoices.models.parties` reads; `locale`, `settings` and versions; `logo_updated_at`, None
            without a logo; of its print in the queue `print_edition`, `print_status` and `finished_at`.
        :raises NotFound: if there is none of this type.
        """
        rows = self._read(self._printed(), {"sought_id": id_})
        if not rows or type_ not in (None, rows[0].type):
            raise NotFound
        return rows[0]

    @classmethod
    @cache
    def _printed(cls) -> Select[Any]:
        document, place, customer = Document.__table__, Location.__table__, Customer.__table__
        business, logo, queue = Tenant.__table__, Logo.__table__, DocumentPrint.__table__
        original = document.alias("original")
        shown = {
            **{column.name: column for column in document.c},
            "original_number": original.c.number,
            "original_issue_date": original.c.issue_date,
            "location_name": place.c.name,
            "country": place.c.country,
            "address": place.c.address,
            "phone": place.c.phone,
            "legal_name": place.c.legal_name,
            "tax_regime": place.c.tax_regime,
            "tax_registration": place.c.tax_registration,
            "location_version": place.c.version,
            "customer_name": customer.c.name,
            "customer_address": customer.c.address,
            "customer_tax_id": customer.c.tax_id,
            "customer_tax_status": customer.c.tax_status,
            "customer_region_code": customer.c.region_code,
            "customer_email": customer.c.email,
            "customer_phone": customer.c.phone,
            "customer_version": customer.c.version,
            "business_name": business.c.name,
            "locale": business.c.locale,
            "settings": business.c.settings,
            "business_version": business.c.version,
            "settings_version": business.c.settings_version,
            "logo_updated_at": logo.c.updated_at,
            "print_edition": queue.c.edition,
            "print_status": queue.c.status,
            "finished_at": queue.c.finished_at,
        }

        def beside(table: Any, id_: Any) -> Any:
            return and_(table.c.tenant_id == document.c.tenant_id, table.c.id == id_)

        joined = (
            document.join(place, beside(place, document.c.location_id))
            .join(customer, beside(customer, document.c.customer_id))
            .join(business, business.c.id == document.c.tenant_id)
            .outerjoin(original, beside(original, document.c.original_id))
            .outerjoin(logo, logo.c.tenant_id == document.c.tenant_id)
            .outerjoin(
                queue,
                and_(queue.c.tenant_id == document.c.tenant_id, queue.c.document_id == document.c.id),
            )
        )
        statement = cls._prepared(*(column.label(name) for name, column in shown.items()))
        return statement.select_from(joined).where(document.c.id == bindparam("sought_id"))


class PrintRepository(Repository):
    """The prints of one business."""

    model = DocumentPrint

    def file(self, document_id: UUID, edition: str) -> bytes | None:
        """Return a print that is ready; None if another edition has taken its place meanwhile."""
        wanted = (QUEUE.document_id == document_id, QUEUE.edition == edition, QUEUE.status == "ready")
        found = self._transaction.execute(self.select(QUEUE.file).where(*wanted)).scalar_one_or_none()
        return None if found is None else bytes(found)

    def enqueue(self, document_id: UUID, edition: str, *, at: datetime) -> None:
        """Let an edition of a document be printed, in place of an earlier one or of one that failed."""
        fresh: Mapping[str, Any] = {
            "edition": edition,
            "status": "queued",
            "file": None,
            "attempts": 0,
            "claimed_until": None,
            "last_error": None,
            "created_at": at,
            "finished_at": None,
        }
        statement = insert(DocumentPrint).values(document_id=document_id, **fresh)
        self._transaction.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "document_id"],
                set_=fresh,
                # Whoever asks again while it waits must not send it to the end of the queue.
                where=or_(QUEUE.edition != edition, QUEUE.status == "failed"),
            )
        )

    def waiting(self) -> int:
        """Return how many prints of the business wait."""
        queued = self.select(func.count()).where(QUEUE.status == "queued")
        return int(self._transaction.execute(queued).scalar_one())

    def finish(self, claim: Row[Any], edition: str, **values: Any) -> bool:
        """Write what became of a print, unless another worker or another edition has taken it meanwhile.

        :return: whether it was written.
        """
        ours = (
            QUEUE.document_id == claim.document_id,
            QUEUE.edition == claim.edition,
            QUEUE.attempts == claim.attempts,
            QUEUE.status == "queued",
        )
        statement = self.update().where(*ours).values(edition=edition, **values)
        return self._transaction.execute(statement).rowcount == 1


class PrintQueue:
    """The prints of all businesses; identity role only."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, *, at: datetime, lease: timedelta) -> Row[Any] | None:
        """Take the print that waits longest, for as long as the lease; no other worker sees it meanwhile.

        :return: `tenant_id`, `document_id`, `edition`, `attempts`; None if none is due.
        """
        due = (
            select(QUEUE.tenant_id, QUEUE.document_id)
            .where(
                QUEUE.status == "queued",
                or_(QUEUE.claimed_until.is_(None), QUEUE.claimed_until < at),
            )
            .order_by(QUEUE.created_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        statement = (
            update(DocumentPrint)
            .where(QUEUE.tenant_id == due.c.tenant_id, QUEUE.document_id == due.c.document_id)
            .values(claimed_until=at + lease, attempts=QUEUE.attempts + 1)
            .returning(QUEUE.tenant_id, QUEUE.document_id, QUEUE.edition, QUEUE.attempts)
        )
        return self._transaction.execute(statement).one_or_none()

    def waiting(self) -> int:
        """Return how many prints wait."""
        statement = select(func.count()).where(QUEUE.status == "queued")
        return int(self._transaction.execute(statement).scalar_one())
