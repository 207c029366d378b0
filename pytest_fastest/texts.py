"""Texts that tests and files bring along, made fit for where they go."""

from __future__ import annotations


def clean(text: str) -> str:
    """Without what is no character: names of files may have bytes that are none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clean_all(texts: list[str]) -> list[str]:
    """The same texts, unless one of them needs to be cleaned."""
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        return [clean(text) for text in texts]
    return texts


def one_line(text: str) -> str:
    """With what is not printable, line ends too, as Python writes it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
