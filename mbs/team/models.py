"""In which orders members and roles are listed, and how many roles a business may compose."""

from collections.abc import Mapping

MEMBER_SORTS: Mapping[str, str] = {"createdAt": "created_at", "updatedAt": "updated_at"}
ROLE_SORTS: Mapping[str, str] = {"name": "name_key", "createdAt": "created_at"}

MOST_ROLES = 50
