"""Users by each of their natural keys, and by patron group."""

from __future__ import annotations

from gateway.loaders.loader import by_name
from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader

USERS = CollectionName("users.users")


class UserLoaders(LoaderSet):
    user = RecordLoader(USERS)
    user_by_barcode = RecordLoader(USERS, index="barcode", create=by_name)
    user_by_username = RecordLoader(USERS, index="username", create=by_name)
    user_by_external_system_id = RecordLoader(USERS, index="externalSystemId", create=by_name)
    users_of_patron_group = GroupLoader(USERS, "patronGroup", has_large_groups=True)
