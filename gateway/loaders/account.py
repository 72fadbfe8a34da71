"""Accounts by id, by patron and by loan, and the actions on them."""

from __future__ import annotations

from gateway.loaders.loader_set import CollectionName, GroupLoader, LoaderSet, RecordLoader

ACCOUNTS = CollectionName("fees.accounts")
ACTIONS = CollectionName("fees.actions")


class AccountLoaders(LoaderSet):
    account = RecordLoader(ACCOUNTS)
    accounts_of_user = GroupLoader(ACCOUNTS, "userId")
    accounts_of_loan = GroupLoader(ACCOUNTS, "loanId")
    actions_of_account = GroupLoader(ACTIONS, "accountId")
    actions_of_user = GroupLoader(ACTIONS, "userId")
