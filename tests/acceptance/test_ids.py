"""Node ids: what is in them, and which of them occur more than once."""

from __future__ import annotations

from parity import ALL, Parity

IDS = """
    import pytest

    IDS = [
        "é☃漢字", "with space", " leading", "[brackets]", "]", "a::b", "::", "back\\\\slash", "new\\nline", "tab\\t",
        "quote'\\"", "per%cent %s", "{brace}", "<xml & more>", "slash/../x", "", "-", "\\x00", "\\x1b[31m", "\\udc80",
        "x" * 3000, "emoji 🎉", "\\u202e rtl",
    ]

    @pytest.mark.parametrize("value", IDS)
    def test_implicit(value): assert value != "a::b"

    @pytest.mark.parametrize("value", range(len(IDS)), ids=IDS)
    def test_explicit(value): pass

    @pytest.mark.parametrize("value", [b"\\x00\\xff", 1.5, None, object(), float("nan"), int, lambda: 0])
    def test_objects(value): pass
"""


def test_parameters_with_any_characters(parity: Parity) -> None:
    parity.write({"test_one.py": IDS, "test_two.py": IDS})
    parity.check(hows=ALL)


def test_unescaped_parameters(parity: Parity) -> None:
    ini = "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
    text = IDS.replace(' "\\x00", "\\x1b[31m", "\\udc80",', "")
    parity.write({"pytest.ini": ini, "test_one.py": text, "test_two.py": text})
    # Ids with line ends are not one line of output.
    parity.check(hows=ALL)


def test_repeated_parameters(parity: Parity) -> None:
    text = """
        import pytest

        @pytest.mark.parametrize("value", [1, 1, 1, 2], ids=["same", "same", "same", "other"])
        def test_repeated(value): assert value == 1

        @pytest.mark.parametrize("value", [1, 1])
        def test_values(value): pass
    """
    parity.write({"test_one.py": text, "test_two.py": text})
    parity.check(hows=ALL)


def test_same_node_id_twice(parity: Parity) -> None:
    """A hook lets items of one id be run twice, one of which fails."""
    parity.write(
        {
            "conftest.py": """
                def pytest_collection_modifyitems(items):
                    items += [type(item).from_parent(item.parent, name=item.name) for item in list(items)]
            """,
            "test_one.py": "runs = []\ndef test_once():\n    runs.append(1)\ndef test_other(): assert 0",
            "test_two.py": "def test_once(): pass",
        }
    )
    plain, *_ = parity.check(hows=ALL)
    assert len(plain.outcomes) == 18


def test_keep_duplicates(parity: Parity) -> None:
    parity.write({"test_one.py": "def test_a(): pass\ndef test_b(): assert 0", "test_two.py": "def test_c(): pass"})
    plain, *_ = parity.check("--keep-duplicates", "test_one.py", "test_one.py", "test_two.py", hows=ALL)
    assert sum(when == "call" for _, when, _ in plain.outcomes) == 5


def test_same_node_id_as_argument_twice(parity: Parity) -> None:
    parity.write({"test_one.py": "def test_a(): pass\ndef test_b(): assert 0"})
    parity.check("test_one.py::test_a", "test_one.py::test_b", "test_one.py::test_a", "--keep-duplicates")


def test_same_file_names_in_packages(parity: Parity) -> None:
    files = {
        f"{folder}/test_same.py": "def test_a(): pass\nclass TestIt:\n    def test_b(self): assert 0"
        for folder in "abc"
    }
    parity.write({**files, **{f"{folder}/__init__.py": "" for folder in "abc"}})
    parity.check()


def test_folders_with_odd_names(parity: Parity) -> None:
    parity.write(
        {
            "ordner mit leerzeichen/test_é.py": "def test_a(): pass",
            "with[brackets]/test_b.py": "def test_b(): assert 0",
            "per%cent/test_c.py": "def test_ö(): pass",
        }
    )
    parity.check(hows=ALL)
