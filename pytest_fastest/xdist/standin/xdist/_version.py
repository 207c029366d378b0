"""The version of pytest-xdist whose interface this is."""

version = __version__ = "3.8.0"
version_tuple = __version_tuple__ = (3, 8, 0)
