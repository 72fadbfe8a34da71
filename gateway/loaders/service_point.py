"""Service points and locations."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, LoaderSet, RecordLoader


class ServicePointLoaders(LoaderSet):
    service_point = RecordLoader(CollectionName("inventory.service_points"))
    location = RecordLoader(CollectionName("inventory.locations"))
    institution = RecordLoader(CollectionName("inventory.institutions"))
    campus = RecordLoader(CollectionName("inventory.campuses"))
    library = RecordLoader(CollectionName("inventory.libraries"))
