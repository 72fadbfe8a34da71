"""The writes of mod-feesfines: charges, actions on accounts, and manual blocks."""
