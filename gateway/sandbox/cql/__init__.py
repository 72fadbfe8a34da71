"""A parser for the subset of CQL that FOLIO's collections are queried with, and its evaluation on records."""
