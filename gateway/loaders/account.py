"""Accounts by id, by patron and by loan."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader

ACCOUNTS = CollectionName("fees.accounts")


class AccountLoaders(LoaderSet):
    account = RecordLoader(ACCOUNTS)
    accounts_of_user = GroupLoader(ACCOUNTS, "userId")
    accounts_of_loan = GroupLoader(ACCOUNTS, "loanId")
