"""Questions put to the locations of one business."""

from mbs.foundation.repository import Repository
from mbs.locations.models import Location


class LocationRepository(Repository):
    model = Location
    columns = (
        Location.id,
        Location.name,
        Location.timezone,
        Location.country,
        Location.address,
        Location.phone,
        Location.tax_registration,
        Location.status,
        Location.is_default,
        Location.version,
        Location.created_at,
        Location.updated_at,
    )
