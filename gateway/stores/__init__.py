"""What replicas of the gateway share: kept in Valkey or Redis, and in process where there is none."""
