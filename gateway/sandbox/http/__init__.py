"""HTTP as FOLIO's modules speak it: requests, errors, tokens and permissions, override blocks, faults."""
