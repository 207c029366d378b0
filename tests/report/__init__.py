"""The report, the trace, and records of runs."""
