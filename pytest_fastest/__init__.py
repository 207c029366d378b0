"""Fastest: the outcome of plain pytest, from one collection, on all cores.

`pytest_fastest.plugin` is the pytest plugin; the public Python API is the package `fastest`.

(`PYTEST_DONT_REWRITE`: this package holds no assertions, and may be imported before pytest could rewrite them.)
"""
