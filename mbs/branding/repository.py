"""The logo of one business."""

from functools import cache
from typing import Any

from sqlalchemy import Row, Select, func
from sqlalchemy.dialects.postgresql import insert

from mbs.branding.models.tables import Logo
from mbs.foundation.errors import NotFound
from mbs.foundation.repository import Repository

LOGO = Logo.__table__.c


class LogoRepository(Repository):
    """A logo has no id: it is its business's."""

    model = Logo
    columns = (Logo.width, Logo.height, Logo.version, Logo.created_at, Logo.updated_at)

    def image(self) -> bytes:
        """Return the logo as PNG.

        :raises NotFound: if there is none.
        """
        rows = self._read(self._image(), {})
        if not rows:
            raise NotFound
        return bytes(rows[0].image)

    def lock(self) -> Row[Any] | None:
        """Return what is known of the logo, locked until the transaction ends; None if there is none."""
        return self._transaction.execute(self.select().with_for_update()).one_or_none()

    def put(self, image: bytes, *, width: int, height: int) -> Row[Any]:
        """Keep a logo in place of the one before, and return what is known of it."""
        given = {"image": image, "width": width, "height": height}
        statement = insert(Logo).values(**given)
        changed = {**given, "version": LOGO.version + 1, "updated_at": func.now()}
        upsert = statement.on_conflict_do_update(index_elements=["tenant_id"], set_=changed)
        row: Row[Any] = self._transaction.execute(upsert.returning(*self.columns)).one()
        return row

    def remove_it(self) -> None:
        """Remove the logo, if there is one."""
        self._transaction.execute(self.delete())

    @classmethod
    @cache
    def _image(cls) -> Select[Any]:
        return cls._prepared(LOGO.image)
