"""Plain pytest, Fastest and pytest-xdist side by side: see `run.py`."""
