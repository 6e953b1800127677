"""What every layer may use: ids, clock, errors, tenancy, logging. Imports nothing of ours."""
