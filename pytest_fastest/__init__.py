"""Fastest: the outcome of plain pytest, from one collection, on all cores.

`pytest_fastest.plugin` is the pytest plugin; the public Python API is the package `fastest`.

(`PYTEST_DONT_REWRITE`: this package holds no assertions, and may be imported before pytest could rewrite them.)
"""

import sys


def import_as_usual() -> None:
    """Takes our modules off the list of those whose assertions pytest rewrites, which plugins are on.

    Its loader takes three times as long as Python's for each module, and where no bytecode is written, as in many
    containers, it parses and rewrites them in every run.
    """
    for finder in sys.meta_path:
        getattr(finder, "_must_rewrite", set()).discard(__name__)


import_as_usual()
