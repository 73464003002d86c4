"""Whether a business is still empty."""

from mbs.catalog.models import CatalogItem
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource


class FurnishedRepository(Repository):
    """Asks whether a business has services or resources, archived ones too."""

    model = CatalogItem
    columns = (CatalogItem.id,)

    def anything(self) -> bool:
        services = self._transaction.execute(self.select(CatalogItem.id).limit(1)).first()
        return services is not None or _Resources(self._transaction).anything()


class _Resources(Repository):
    model = Resource
    columns = (Resource.id,)

    def anything(self) -> bool:
        return self._transaction.execute(self.select(Resource.id).limit(1)).first() is not None
