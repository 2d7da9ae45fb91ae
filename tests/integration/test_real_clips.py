"""Real film through a whole device. The clips are never committed: skipped where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.clips import FilmTruth, final_reads, load_truth, nearest, score

OWN_LABELS = Path(__file__).parents[2] / "training" / "runs" / "clips_truth.jsonl"
"""Every pass that a person can read, labelled by eye; kept out of the repository, as the clips are."""
READ_RIGHT_AT_LEAST = {True: 15, False: 11}  # of 17 passes by our own labels, of 12 by those beside the clips


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_plates_that_a_person_can_read_are_read(shared_data: Path) -> None:
    folder = shared_data / "clips"
    films = load_truth(OWN_LABELS if OWN_LABELS.exists() else folder / "labels.jsonl", folder)
    found = [score(film, final_reads(film.film)) for film in films]
    assert not [(film.truth.film.name, film.twice) for film in found if film.twice], "told twice"
    missed = [(film.truth.film.name, film.missed, film.other) for film in found if film.missed]
    assert sum(len(film.right) for film in found) >= READ_RIGHT_AT_LEAST[OWN_LABELS.exists()], missed


def test_a_film_is_scored_by_its_final_reads() -> None:
    truth = FilmTruth(Path("a.mp4"), ("AB12", "CD34", "EF56"))
    found = score(truth, ["AB12", "AB12", "C034", "ZZ99"])
    assert (found.right, found.missed, found.twice) == (("AB12",), ("CD34", "EF56"), ("AB12",))
    assert found.other == ("C034", "ZZ99")


def test_truth_is_read_in_every_form(tmp_path: Path) -> None:
    listed = tmp_path / "list.jsonl"
    listed.write_text(
        '{"file": "a.mov", "passes": [{"text": "ab-12"}]}\n{"file": "b.gif", "plates": [{"text": "X1"}]}\n'
    )
    assert load_truth(listed, tmp_path / "films") == [
        FilmTruth(tmp_path / "films" / "a.mov", ("AB12",)),
        FilmTruth(tmp_path / "films" / "b.gif", ("X1",)),
    ]
    beside = tmp_path / "rain.truth.jsonl"
    beside.write_text('{"text": "AB12", "lines": 1}\n{"text": "CD34", "lines": 2}\n')
    assert load_truth(beside) == [FilmTruth(tmp_path / "rain.mp4", ("AB12", "CD34"))]


def test_what_became_of_a_missed_pass_is_told() -> None:
    assert nearest("72K118294", ["72118294", "AB"]) == "read 72118294 (missed inside)"
    assert nearest("AB12CD", ["XY99ZZ"]) == "not read"
    assert nearest("AB12CD", []) == "not read"
