"""Guard documents in the database too: the program is the first guard, these triggers are the second.

An issued document cannot be changed or removed, its states follow each other as `mbs/invoices/models` says,
and at commit its header is the sum of its lines.
"""

from alembic import op

revision = "0026"
down_revision = "0025"
phase = "expand"
release = "0.1.0"

# What may still change once a document has its number. A trigger before the UPDATE sees no generated columns.
MUTABLE = (
    "status",
    "amount_paid",
    "amount_credited",
    "amount_due",
    "sent_at",
    "voided_at",
    "void_reason",
    "version",
    "updated_at",
    "issue_order",
    "due_order",
    "number_order",
    "total_order",
)


def upgrade() -> None:
    for function in (FREEZE_DOCUMENT, FREEZE_LINES, BALANCE):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON documents"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_document()"
    )
    op.execute(
        "CREATE TRIGGER frozen BEFORE INSERT OR UPDATE OR DELETE ON document_lines"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_issued_lines()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER balanced AFTER INSERT OR UPDATE ON documents"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.number IS NOT NULL)"
        " EXECUTE FUNCTION refuse_unbalanced_document()"
    )


FREEZE_DOCUMENT = """
CREATE FUNCTION refuse_change_of_issued_document() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.number IS NOT NULL THEN
            RAISE EXCEPTION 'an issued document is never removed' USING ERRCODE = 'MB001';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.status <> OLD.status AND NOT (CASE OLD.status
        WHEN 'draft' THEN NEW.status IN ('open', 'paid', 'issued')
        WHEN 'open' THEN NEW.status IN ('paid', 'void', 'uncollectible')
        WHEN 'uncollectible' THEN NEW.status IN ('paid', 'open', 'void')
        WHEN 'paid' THEN NEW.status = 'open'
        ELSE false
    END) THEN
        RAISE EXCEPTION 'a document does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'MB002';
    END IF;
    IF OLD.number IS NOT NULL
        AND to_jsonb(NEW) - MUTABLE_COLUMNS IS DISTINCT FROM to_jsonb(OLD) - MUTABLE_COLUMNS
        OR OLD.status = 'void' AND (NEW.voided_at, NEW.void_reason, NEW.sent_at)
            IS DISTINCT FROM (OLD.voided_at, OLD.void_reason, OLD.sent_at) THEN
        RAISE EXCEPTION 'an issued document does not change' USING ERRCODE = 'MB001';
    END IF;
    RETURN NEW;
END $$
""".replace("MUTABLE_COLUMNS", f"ARRAY{list(MUTABLE)}")

FREEZE_LINES = """
CREATE FUNCTION refuse_change_of_issued_lines() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.released >= OLD.released
            AND to_jsonb(NEW) - 'released' = to_jsonb(OLD) - 'released' THEN
        RETURN NEW;
    END IF;
    IF TG_OP <> 'INSERT' AND EXISTS (SELECT FROM public.documents WHERE tenant_id = OLD.tenant_id
            AND id = OLD.document_id AND number IS NOT NULL)
        OR TG_OP <> 'DELETE' AND EXISTS (SELECT FROM public.documents WHERE tenant_id = NEW.tenant_id
            AND id = NEW.document_id AND number IS NOT NULL) THEN
        RAISE EXCEPTION 'the lines of an issued document do not change' USING ERRCODE = 'MB001';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""

BALANCE = """
CREATE FUNCTION refuse_unbalanced_document() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sums record;
    credited numeric;
BEGIN
    IF TG_OP = 'INSERT' OR OLD.number IS NULL THEN
        SELECT coalesce(sum(net), 0) AS net, coalesce(sum(tax), 0) AS tax INTO sums
            FROM public.document_lines WHERE tenant_id = NEW.tenant_id AND document_id = NEW.id;
        IF sums.net <> NEW.subtotal OR sums.tax <> NEW.tax_total THEN
            RAISE EXCEPTION 'a document is not the sum of its lines' USING ERRCODE = 'MB004';
        END IF;
    END IF;
    IF NEW.amount_credited <> 0 OR TG_OP = 'UPDATE' AND OLD.amount_credited <> 0 THEN
        SELECT coalesce(sum(d.total), 0) INTO credited FROM public.documents AS d
            WHERE d.tenant_id = NEW.tenant_id AND d.original_id = NEW.id AND d.status = 'issued';
        IF credited <> (SELECT d.amount_credited FROM public.documents AS d
                WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.id) THEN
            RAISE EXCEPTION 'what is credited is not the sum of the credit notes' USING ERRCODE = 'MB004';
        END IF;
    END IF;
    RETURN NULL;
END $$
"""


def downgrade() -> None:
    op.execute("DROP TRIGGER balanced ON documents")
    op.execute("DROP TRIGGER frozen ON document_lines")
    op.execute("DROP TRIGGER frozen ON documents")
    for function in (
        "refuse_unbalanced_document()",
        "refuse_change_of_issued_lines()",
        "refuse_change_of_issued_document()",
    ):
        op.execute(f"DROP FUNCTION {function}")
