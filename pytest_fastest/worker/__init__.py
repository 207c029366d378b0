"""The processes that collect and run tests: base, template, workers."""
