"""The first wall: every question a tenant repository asks carries the tenant of the verified scope.

The second wall is row-level security, which reads the transaction's setting. Two sources, so that
each can fail alone (ADR 0003).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    CursorResult,
    Delete,
    Executable,
    Integer,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import ColumnElement

from mbs.foundation.database_errors import INTEGRITY_ERRORS, violated_constraint
from mbs.foundation.db import Base, Transaction
from mbs.foundation.errors import InUse, MbsError, NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest


class Repository:
    """Questions put to one tenant table. Rows come back as plain rows: no object graph, no identity map.

    `columns` are what a row shows outside the room; `constraint_errors` maps the name of a constraint
    to the fact that its violation means.
    """

    model: ClassVar[type[Base]]
    columns: ClassVar[Sequence[InstrumentedAttribute[Any]]]
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {}

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    # Statements: the only three a room may start from. A bare `select(Model)` fails tests/architecture.

    def select(self, *columns: Any) -> Select[Any]:
        return (select(*columns) if columns else self._all()).where(self._own())

    def update(self) -> Update:
        return update(self.model).where(self._own())

    def delete(self) -> Delete:
        return delete(self.model).where(self._own())

    def _own(self) -> ColumnElement[bool]:
        tenant: ColumnElement[bool] = self.model.__table__.c.tenant_id == self._transaction.tenant_id
        return tenant

    # What every request asks is built once and gets its values when it is sent, the tenant included: to build
    # a statement costs more than to send it. Mapped attributes would cost twice what the table's columns do.

    @classmethod
    def _prepared(cls, *columns: Any) -> Select[Any]:
        return select(*columns).where(cls.model.__table__.c.tenant_id == bindparam("own_tenant"))

    def _send(self, statement: Executable, values: Mapping[str, Any]) -> CursorResult[Any]:
        return self._transaction.execute(statement, {"own_tenant": self._transaction.tenant_id, **values})

    def _read(self, kept: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        return self._transaction.rows(kept, {"own_tenant": self._transaction.tenant_id, **values})

    @classmethod
    @cache
    def _all(cls) -> Select[Any]:
        return select(*cls._shown())

    @classmethod
    @cache
    def _by_id(cls) -> Select[Any]:
        return cls._prepared(*cls._shown()).where(cls.model.__table__.c.id == bindparam("sought_id"))

    @classmethod
    @cache
    def _insert(cls) -> ReturningInsert[Any]:
        return insert(cast(Table, cls.model.__table__)).returning(*cls._shown())

    @classmethod
    def _shown(cls) -> list[ColumnElement[Any]]:
        return [cls.model.__table__.c[column.key] for column in cls.columns]

    # Rows

    def get(self, id_: UUID) -> Row[Any]:
        """Return the row with this id.

        :raises NotFound: if there is none, or it is another tenant's: the two look alike.
        """
        rows = self._read(self._by_id(), {"sought_id": id_})
        if not rows:
            raise NotFound
        return rows[0]

    def lock_row(self, id_: UUID, *, version: int | None, key_share: bool = False) -> Row[Any]:
        """Return one row, locked against other writers until the transaction ends.

        :param version: the version the caller saw (If-Match), or None to take whatever is there.
        :param key_share: let rows that refer to it be written meanwhile (FOR NO KEY UPDATE).
        :raises NotFound: if there is no such row.
        :raises PreconditionFailed: if the row has moved on to another version.
        """
        statement = self.select().where(self._id() == id_).with_for_update(key_share=key_share)
        row: Row[Any] | None = self._transaction.execute(statement).one_or_none()
        if row is None:
            raise NotFound
        if version is not None and version != row.version:
            raise PreconditionFailed
        return row

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert one row and return it as stored; its tenant comes from the column's default.

        :raises MbsError: the fact that `constraint_errors` names for a violated constraint.
        """
        row: Row[Any] = self._write(self._insert(), values).one()
        return row

    def change(self, id_: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change one row, counting its version up, and return it as stored.

        :param version: the version the caller saw (If-Match), or None to change whatever is there.
        :raises NotFound: if there is no such row.
        :raises PreconditionFailed: if the row has moved on to another version.
        """
        table = self.model.__table__
        statement = self.update().where(self._id() == id_)
        if version is not None:
            statement = statement.where(table.c.version == version)
        statement = statement.values(**values, version=table.c.version + 1, updated_at=func.now())
        row: Row[Any] | None = self._write(statement.returning(*self.columns)).one_or_none()
        if row is None:
            self.get(id_)
            raise PreconditionFailed
        return row

    def remove(self, id_: UUID, *, version: int | None) -> None:
        """Delete one row.

        :raises NotFound: if there is no such row.
        :raises PreconditionFailed: if the row has moved on to another version.
        :raises InUse: if other rows refer to it.
        """
        statement = self.delete().where(self._id() == id_)
        if version is not None:
            statement = statement.where(self.model.__table__.c.version == version)
        try:
            # Whatever a constraint means to a row that is written, to one that goes it means this.
            removed = self._transaction.execute(statement).rowcount
        except IntegrityError as error:
            raise InUse from error
        if removed == 0:
            self.get(id_)
            raise PreconditionFailed

    def page(self, statement: Select[Any], request: PageRequest, **values: Any) -> Page:
        """Return one page of a statement in the stable order (sort column, id).

        One row more than asked for tells whether there is a next page. The total costs a second
        statement and is counted only when asked for.

        :param values: of the parameters of a statement that is built once, which is then kept in each order.
        """
        order = (self.model, request.sort, request.descending, request.position is not None)
        asked = {**values, "rows": request.limit + 1}
        if request.position is not None:
            asked |= {"last_value": request.position.value, "last_id": request.position.id}
        if values:
            rows = self._read(_paged(statement, *order), asked)
        else:
            rows = self._send(_paged.__wrapped__(statement, *order), asked).all()
        total = None
        if request.include_total:
            counted = statement.with_only_columns(func.count(), maintain_column_froms=True)
            total = self._send(counted, values).scalar_one()
        return Page.cut(rows, request, total)

    def _id(self) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self.model.__table__.c.id
        return column

    def _write(self, statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        with self._naming_facts():
            return self._transaction.execute(statement, values)

    def _insert_kept(self, kept: ReturningInsert[Any], values: Mapping[str, Any]) -> Row[Any]:
        with self._naming_facts():
            return self._transaction.insert(kept, values)

    @contextmanager
    def _naming_facts(self) -> Iterator[None]:
        try:
            yield
        except INTEGRITY_ERRORS as error:
            fact = self.constraint_errors.get(violated_constraint(error))
            if fact is None:
                raise
            raise fact from error


@lru_cache(maxsize=512)
def _paged(
    statement: Select[Any], model: type[Base], sort: str, descending: bool, continued: bool
) -> Select[Any]:
    table = model.__table__
    here = (table.c[sort], table.c.id)
    if continued:
        # A row comparison is one index range; the same written with OR would read the whole tenant.
        names = ("last_value", "last_id")
        last = [bindparam(name, type_=column.type) for name, column in zip(names, here, strict=True)]
        statement = statement.where(
            tuple_(*here) < tuple_(*last) if descending else tuple_(*here) > tuple_(*last)
        )
    if sort not in statement.selected_columns:
        statement = statement.add_columns(table.c[sort])
    order = [column.desc() if descending else column.asc() for column in here]
    return statement.order_by(*order).limit(bindparam("rows", type_=Integer))
