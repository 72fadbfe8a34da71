"""Proxy relations of users."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet

PROXIES = CollectionName("users.proxies")


class ProxyLoaders(LoaderSet):
    proxies_of_user = GroupLoader(PROXIES, "userId")  # the user is the sponsor
    sponsors_of_user = GroupLoader(PROXIES, "proxyUserId")  # the user is the proxy
