"""Items that are not plain functions of a module."""

from __future__ import annotations

from parity import ALL, Parity

UNITTEST = """
    import unittest

    class TestCase(unittest.TestCase):
        set_ups = 0

        @classmethod
        def setUpClass(cls):
            cls.set_ups += 1

        @classmethod
        def tearDownClass(cls):
            assert cls.set_ups == 1

        def setUp(self): self.value = 1
        def test_passes(self): self.assertEqual(self.value, 1)
        def test_fails(self): self.assertEqual([1], [2], "message")
        def test_errors(self): raise KeyError("x")
        def test_skips(self): self.skipTest("inside")

        @unittest.skip("decorated")
        def test_skip_decorated(self): pass

        @unittest.expectedFailure
        def test_expected(self): self.fail()

        @unittest.expectedFailure
        def test_unexpected(self): pass

        def test_parts(self):
            for number in range(4):
                with self.subTest("part", number=number):
                    self.assertNotEqual(number, 2)

        def test_clean_up(self):
            self.addCleanup(lambda: 1 / 0)

    @unittest.skip("whole class")
    class TestSkipped(unittest.TestCase):
        def test_one(self): pass

    class TestBrokenClass(unittest.TestCase):
        @classmethod
        def setUpClass(cls): raise ValueError("setUpClass")
        def test_one(self): pass
        def test_two(self): pass

    class TestBrokenEnd(unittest.TestCase):
        @classmethod
        def tearDownClass(cls): raise ValueError("tearDownClass")
        def test_one(self): pass
        def test_two(self): pass

    class TestAsync(unittest.IsolatedAsyncioTestCase):
        async def test_passes(self): self.assertTrue(True)
        async def test_fails(self): self.assertTrue(False)

    def setUpModule(): print("setUpModule")
    def tearDownModule(): print("tearDownModule")
"""

YAML_CONFTEST = """
    import pytest

    def pytest_collect_file(parent, file_path):
        if file_path.suffix == ".spec":
            return SpecFile.from_parent(parent, path=file_path)

    class SpecFile(pytest.File):
        def collect(self):
            for number, line in enumerate(self.path.read_text().splitlines()):
                yield SpecItem.from_parent(self, name=line.split("=")[0], line=line, number=number)

    class SpecError(Exception):
        pass

    class SpecItem(pytest.Item):
        def __init__(self, *, line, number, **kwargs):
            super().__init__(**kwargs)
            self.line, self.number = line, number

        def runtest(self):
            name, value = self.line.split("=")
            if value == "raise":
                raise RuntimeError("unexpected")
            if value != "ok":
                raise SpecError(name, value)

        def repr_failure(self, excinfo):
            if isinstance(excinfo.value, SpecError):
                return f"spec {excinfo.value.args[0]} is {excinfo.value.args[1]}"
            return super().repr_failure(excinfo)

        def reportinfo(self):
            return self.path, self.number, f"spec: {self.name}"
"""


def test_unittest_cases(parity: Parity) -> None:
    parity.write({"test_one.py": UNITTEST, "test_two.py": UNITTEST})
    # What `setUpModule` prints is captured with the first test of each worker; and in one process the progress
    # letter of a failed subtest is written, and captured, inside of its test.
    captured = ("reports", "section 'ERRORS'", "section 'FAILURES'", "section 'PASSES'")
    parity.check(hows=ALL, ignore=captured)


def test_doctests_of_modules_and_text_files(parity: Parity) -> None:
    parity.write(
        {
            "library.py": '''
                """
                >>> 1 + 1
                2
                """
                def wrong():
                    """
                    >>> wrong()
                    1
                    >>> len([1, 2])
                    3
                    """
                    return 2

                def raising():
                    """
                    >>> raising()
                    """
                    raise ValueError("in a doctest")

                def skipped():
                    """
                    >>> 1 / 0  # doctest: +SKIP
                    """
            ''',
            "test_notes.txt": ">>> x = 3\n>>> x\n3\n>>> getfixture('tmp_path').is_dir()\nTrue\n",
            "test_wrong.txt": ">>> 1\n2\n\ntext\n\n>>> 3\n4\n",
            "test_usual.py": "def test_usual(): pass",
        }
    )
    parity.check("--doctest-modules", hows=ALL)
    parity.check("--doctest-modules", "--doctest-continue-on-failure", "--doctest-report=ndiff")


def test_items_of_other_files(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": YAML_CONFTEST,
            "one.spec": "first=ok\nsecond=wrong\nthird=raise\n",
            "sub/two.spec": "first=ok\nfirst=ok\nsecond=wrong\n",
            "test_usual.py": "def test_usual(): pass",
        }
    )
    parity.check(hows=ALL)


def test_items_without_module(parity: Parity) -> None:
    parity.write(
        {
            "conftest.py": """
                import pytest

                class Loose(pytest.Item):
                    def runtest(self):
                        assert self.name != "loose3", "the third one"

                    def reportinfo(self):
                        return "nowhere", None, self.name

                def pytest_collection_modifyitems(session, items):
                    items += [Loose.from_parent(session, name=f"loose{number}") for number in range(5)]
            """,
            "test_usual.py": "def test_usual(): pass",
        }
    )
    parity.check(hows=ALL)


def test_subtests_fixture(parity: Parity) -> None:
    text = """
        import pytest

        def test_mixed(subtests):
            for number in range(4):
                with subtests.test("even", number=number):
                    print("number", number)
                    assert number % 2 == 0

        def test_odd_parameters(subtests):
            with subtests.test(value=object, text="é ☃", many=[1, (2, 3)]):
                assert 0

        def test_skips(subtests):
            with subtests.test(msg="skipped one"):
                pytest.skip("inside")
            with subtests.test(msg="expected one"):
                pytest.xfail("known")

        def test_fails_after(subtests):
            with subtests.test(msg="good"):
                pass
            assert 0
    """
    parity.write({"test_one.py": text, "test_two.py": text})
    parity.check(hows=ALL)


def test_generated_and_inherited_tests(parity: Parity) -> None:
    parity.write(
        {
            "shared.py": """
                class Contract:
                    value = 0
                    def test_value(self): assert self.value
                    def test_name(self): assert type(self).__name__
            """,
            "conftest.py": """
                def pytest_generate_tests(metafunc):
                    if "generated" in metafunc.fixturenames:
                        metafunc.parametrize("generated", [1, 2, 3], indirect=False, ids=["one", None, "three"])
            """,
            "test_a.py": "from shared import Contract\nclass TestA(Contract): value = 1\nclass TestB(Contract): pass",
            "test_b.py": """
                class TestOuter:
                    class TestInner:
                        def test_deep(self, generated): assert generated != 2
                def test_shallow(generated): pass
            """,
        }
    )
    parity.check(hows=ALL)
