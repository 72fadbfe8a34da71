"""The records that desk operations write to the circulation log, as mod-audit builds them."""
