from __future__ import annotations

import pytest

from airflow_provider_sender.jobs.marks import draft_mark_of, generation_in, marker_of, series_mark_of, unmarked

MARKS = f"{series_mark_of('weekly-')} {draft_mark_of(12, '8cb51a')} {marker_of('weekly-1')}"


@pytest.mark.parametrize("title", [f"Weekly news {MARKS}", f"{MARKS} Weekly news", "Weekly news"])
def test_a_title_without_its_marks_is_what_people_called_it(title: str) -> None:
    assert unmarked(title) == "Weekly news"


@pytest.mark.parametrize("title", ["[key]", "Weekly [news]", "[draft] of a letter", "[series 1 of 3]"])
def test_brackets_of_ones_own_are_no_marks(title: str) -> None:
    assert unmarked(title) == title
    assert generation_in(title) == 0


def test_the_generation_is_read_from_the_title() -> None:
    assert generation_in(f"Weekly news {MARKS}") == 12
