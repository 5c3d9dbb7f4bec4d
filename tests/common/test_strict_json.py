"""JSON that two readers could take for different things, and how long it takes to tell."""

import time

import pytest

from app.common.strict_json import parse


def test_a_name_that_stands_twice_is_found_at_once_among_many() -> None:
    names = ",".join(f'"{number}":1' for number in range(50_000))
    began = time.perf_counter()
    with pytest.raises(ValueError, match="the name '49999' stands twice"):
        parse(f'{{{names},"49999":2}}'.encode())
    assert time.perf_counter() - began < 3
