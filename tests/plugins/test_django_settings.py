"""A Django project whose settings name the database after the worker, without what pytest-django does for that."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from processes.harness import PLUGINS, Result, Suite

pytestmark = pytest.mark.skipif(not (PLUGINS / "django").exists(), reason="make plugins has not been run")

SETTINGS = """
    import os
    from pathlib import Path

    WORKER = os.environ.get("PYTEST_XDIST_WORKER", "master")
    SECRET_KEY = "none"
    INSTALLED_APPS = ["shop"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    USE_TZ = True
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / f"shop-{WORKER}.sqlite3"
    }}
"""
READ = "settings.py:4 read PYTEST_XDIST_WORKER"
MODELS = """
    from django.db import models

    class Item(models.Model):
        name = models.TextField()
"""
# pytest-django's recipe for a database that is there already.
CONFTEST = """
    import pytest

    @pytest.fixture(scope="session")
    def django_db_setup(): pass
"""
TESTS = """
    from pathlib import Path

    import pytest
    from django.db import connection
    from shop.models import Item
    from witness import mark, meet

    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.django_db(transaction=True)
    def test_rows(number, worker_id):
        mark(f"database {Path(connection.settings_dict['NAME']).name}")
        Item.objects.create(name=worker_id)
        meet(2)
        assert Item.objects.get().name == worker_id
"""


@pytest.fixture
def project(suite: Suite) -> Suite:
    """A project with tests that touch the database in two workers at the same time."""
    (suite.root / "shop").mkdir()
    suite.write(
        ini="DJANGO_SETTINGS_MODULE = settings\npythonpath = .\n",
        settings=SETTINGS.lstrip("\n"),
        conftest=CONFTEST,
        test_rows=TESTS,
        **{"shop/__init__": "", "shop/models": MODELS},
    )
    return suite


def run(project: Suite, *args: str) -> Result:
    """Runs the suite in two workers, with an empty database for each."""
    project.forget_marks()
    for worker in ("gw0", "gw1"):
        with closing(sqlite3.connect(project.root / f"shop-{worker}.sqlite3")) as database:
            database.executescript(
                "DROP TABLE IF EXISTS shop_item; CREATE TABLE shop_item (id INTEGER PRIMARY KEY, name)"
            )
    return project.run("-n", "2", *args, plugins=("django",))


def databases(project: Suite) -> dict[str, set[str]]:
    """The databases that the tests of each worker have seen."""
    seen: dict[str, set[str]] = {}
    for mark in project.marks("database "):
        seen.setdefault(mark.worker, set()).add(mark.name.removeprefix("database "))
    return seen


OWN = {"gw0": {"shop-gw0.sqlite3"}, "gw1": {"shop-gw1.sqlite3"}}


def test_forked_workers_share_the_database_of_the_first(project: Suite) -> None:
    result = run(project, "--start-method", "fork")
    assert result.returncode == 1, result.output
    assert result.header == f"fastest: 2 workers (-n 2), fork: although {READ}"
    assert set.union(*databases(project).values()) == {"shop-gw0.sqlite3"}
    assert len(databases(project)) == 2


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_that_configure_themselves_have_their_own(project: Suite, method: str) -> None:
    result = run(project, "--start-method", method)
    assert result.counts == {"passed": 2}, result.output
    assert databases(project) == OWN


def test_it_is_found_out_and_remembered_until_the_settings_change(project: Suite) -> None:
    for header in (READ, f"{READ} (remembered)"):
        result = run(project)
        assert result.counts == {"passed": 2}, result.output
        assert result.header == f"fastest: 2 workers (-n 2), forkserver: {header}"
        assert databases(project) == OWN
    project.write(settings=SETTINGS.lstrip("\n") + "    OTHER = 1\n")
    assert run(project).header == f"fastest: 2 workers (-n 2), forkserver: {READ}"
