"""pytest-django: each worker has a database of its own, in a file or in memory, and a server for it."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Result, Suite

SETTINGS = """
    from pathlib import Path

    SECRET_KEY = "none"
    INSTALLED_APPS = ["shop"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    ROOT_URLCONF = "urls"
    ALLOWED_HOSTS = ["*"]
    USE_TZ = True
    STATIC_URL = "static/"
    DATABASES = {"default": {
        "ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "never.sqlite3", "TEST": {NAME}
    }}
"""
FILE = '{"NAME": str(Path(__file__).parent / "test.sqlite3")}'
MODELS = """
    from django.db import models

    class Item(models.Model):
        name = models.TextField(unique=True)
"""
URLS = """
    from django.http import JsonResponse
    from django.urls import path
    from shop.models import Item

    def items(request):
        return JsonResponse({"names": sorted(Item.objects.values_list("name", flat=True))})

    urlpatterns = [path("items", items)]
"""
# The names are the same in all workers and must be unique in a database.
TESTS = """
    import json, os, urllib.request
    import pytest
    from django.db import connection
    from django.test import TestCase
    from shop.models import Item
    from witness import mark, meet

    WORKERS = int(os.environ.get("MEETING", 1))

    @pytest.mark.parametrize("number", range(3))
    @pytest.mark.django_db
    def test_rows(number):
        assert not Item.objects.exists()
        Item.objects.create(name="one")
        mark(f"database {connection.settings_dict['NAME']}")
        meet(WORKERS)
        assert Item.objects.count() == 1

    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.django_db(transaction=True)
    def test_committed_rows(number):
        assert not Item.objects.exists()
        Item.objects.create(name="committed")
        meet(WORKERS)
        assert Item.objects.get().name == "committed"

    class TestOwn(TestCase):
        @classmethod
        def setUpTestData(cls): Item.objects.create(name="of the class")

        def test_one(self): assert Item.objects.count() == 1

        def test_two(self):
            Item.objects.all().delete()
            assert Item.objects.count() == 0

    def test_live(live_server, worker):
        Item.objects.create(name=worker)
        mark(f"server {live_server.url}")
        meet(WORKERS)
        with urllib.request.urlopen(f"{live_server.url}/items", timeout=10) as answer:
            assert json.load(answer) == {"names": [worker]}

    def test_access_is_blocked():
        with pytest.raises(RuntimeError, match="Database access not allowed"):
            Item.objects.count()

    def test_settings_are_restored(settings, mailoutbox):
        from django.core.mail import send_mail
        settings.SECRET_KEY = "changed"
        send_mail("subject", "text", "a@example.org", ["b@example.org"])
        assert len(mailoutbox) == 1

    def test_they_were(settings): assert settings.SECRET_KEY == "none"
"""
CONFTEST = """
    import os
    import pytest

    @pytest.fixture
    def worker(): return os.environ.get("PYTEST_XDIST_WORKER", "no worker")
"""
PLAIN = ("-p", "no:fastest")
# Of one module.
COUNT = 11


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def project(suite: Suite, storage: str, conftest: str = CONFTEST) -> None:
    suite.write(
        ini="DJANGO_SETTINGS_MODULE = settings\npythonpath = .\n",
        settings=SETTINGS.replace("{NAME}", FILE if storage == "file" else "{}"),
        urls=URLS,
        conftest=conftest,
        test_a=TESTS,
        test_b=TESTS,
    )
    (suite.root / "shop").mkdir()
    suite.write(**{"shop/__init__": "", "shop/models": MODELS})


def files(suite: Suite) -> list[str]:
    return sorted(file.name for file in suite.root.glob("*.sqlite3*"))


def of_workers(suite: Suite, kind: str) -> dict[str, set[str]]:
    """What the tests of each worker have seen."""
    seen: dict[str, set[str]] = {}
    for mark in suite.marks(f"{kind} "):
        seen.setdefault(mark.worker, set()).add(mark.name.removeprefix(f"{kind} "))
    return seen


@pytest.mark.parametrize("method", METHODS)
def test_a_database_for_each_worker(suite: Suite, storage: str, method: str) -> None:
    project(suite, storage)
    result = suite.run("-n", "2", "--start-method", method, plugins=("django",), env={"MEETING": "2"})
    assert result.counts == {"passed": 2 * COUNT}, result.output
    databases, servers = of_workers(suite, "database"), of_workers(suite, "server")
    assert set(databases) == {"gw0", "gw1"}
    if storage == "file":
        assert databases == {name: {str(suite.root / f"test.sqlite3_{name}")} for name in ("gw0", "gw1")}
    assert len(set.union(*servers.values())) == len(servers)
    assert files(suite) == [], "all are destroyed at the end"


def test_in_one_process(suite: Suite, storage: str) -> None:
    project(suite, storage)
    result = suite.run(*PLAIN, plugins=("django",))
    assert result.counts == {"passed": 2 * COUNT}, result.output
    assert files(suite) == []


KEEPING = (
    CONFTEST
    + """
    @pytest.fixture(scope="session")
    def django_db_setup(django_db_setup, django_db_blocker, worker_id):
        from shop.models import Item
        from witness import mark
        with django_db_blocker.unblock():
            mark(f"found {sorted(Item.objects.values_list('name', flat=True))}")
            Item.objects.get_or_create(name=f"kept by {worker_id}")
"""
)
KEPT = """
    import pytest
    from witness import meet
    from shop.models import Item

    @pytest.mark.parametrize("number", range(3))
    @pytest.mark.django_db
    def test_rows(number, worker_id):
        meet(2)
        assert Item.objects.get().name == f"kept by {worker_id}"
"""


@pytest.mark.parametrize("method", METHODS)
def test_databases_are_kept_and_used_again(suite: Suite, method: str) -> None:
    project(suite, "file", KEEPING)
    suite.write(test_a=KEPT, test_b=KEPT)

    def run(*args: str) -> dict[str, set[str]]:
        suite.forget_marks()
        result: Result = suite.run("-n", "2", "--start-method", method, *args, plugins=("django",))
        assert result.counts == {"passed": 6}, result.output
        return of_workers(suite, "found")

    assert run("--reuse-db") == {"gw0": {"[]"}, "gw1": {"[]"}}
    kept = ["test.sqlite3_gw0", "test.sqlite3_gw1"]
    assert files(suite) == kept
    assert run("--reuse-db") == {"gw0": {"['kept by gw0']"}, "gw1": {"['kept by gw1']"}}
    assert run("--reuse-db", "--create-db") == {"gw0": {"[]"}, "gw1": {"[]"}}
    assert files(suite) == kept
    assert run() == {"gw0": {"[]"}, "gw1": {"[]"}}
    assert files(suite) == []
