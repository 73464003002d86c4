"""Keeping, showing and removing the logo."""

import importlib
from functools import cache
from typing import Any

from sqlalchemy import Row

from mbs.branding.repository import LogoRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import NotFound


@cache
def pictures() -> Any:
    """Return `models.pictures`, loaded only now: most processes never see a logo, and Pillow is large."""
    return importlib.import_module("mbs.branding.models.pictures")


class LogoService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def read(self) -> bytes:
        """Return the logo as PNG.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return LogoRepository(transaction).image()

    def put(self, *, image: bytes) -> Row[Any]:
        """Keep a logo, in place of the one before; return its size and version.

        :param image: as it was sent.
        :raises UnusablePicture: if it is not a PNG or JPEG that can be kept.
        """
        # Before the transaction begins: decoding takes longer than all that is asked of the database.
        picture = pictures().rewritten(image)
        with self._begin() as transaction:
            logos = LogoRepository(transaction)
            before = logos.lock()
            logo = logos.put(picture.image, width=picture.width, height=picture.height)
            self._record(transaction, logo, before)
        return logo

    def remove(self) -> None:
        """Remove the logo.

        :raises NotFound: if there is none.
        """
        with self._begin() as transaction:
            logos = LogoRepository(transaction)
            before = logos.lock()
            if before is None:
                raise NotFound
            logos.remove_it()
            self._record(transaction, None, before)

    def _record(self, transaction: Transaction, logo: Row[Any] | None, before: Row[Any] | None) -> None:
        EventRepository(transaction).append(
            type_="tenant.logo_updated",
            object_type="tenant",
            object_id=transaction.tenant_id,
            at=self._clock.now(),
            data={"object": {"logo": _shown(logo)}, "previous": {"logo": _shown(before)}},
        )


def _shown(logo: Row[Any] | None) -> dict[str, Any] | None:
    return None if logo is None else {"width": logo.width, "height": logo.height, "version": logo.version}
