import numpy as np
import pyarrow.parquet as pq
import pytest

from audiocls.corpus import score_tables
from audiocls.corpus.score_tables import ScoreWriter, join_scores
from audiocls.detection.scan import Windows
from audiocls.errors import OutputError

LABELS = ["owl", "known"]


def write(path, name, count, seconds):
    rng = np.random.default_rng(count)
    scores, known = rng.random((count, 2), np.float32), rng.random(count, np.float32)
    with ScoreWriter(path, name, LABELS, window_length=16000, hop_length=8000, sampling_rate=16000) as writer:
        for first in range(0, count, 3):
            end = min(first + 3, count)
            writer.add(Windows(first, scores[first:end], known[first:end]))
        writer.flush(seconds)
    return scores, known


def test_rows_are_windows_and_the_last_ends_with_the_recording(tmp_path):
    scores, known = write(tmp_path / "a.parquet", "a.wav", 8, 4.3)
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["recording", "start_seconds", "end_seconds", "known", "score:owl", "score:known"]
    np.testing.assert_array_equal(table["start_seconds"], np.arange(8) * 0.5)
    np.testing.assert_allclose(table["end_seconds"], [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.3])
    np.testing.assert_array_equal(table["score:owl"], scores[:, 0])
    np.testing.assert_array_equal(table["known"], known)


def test_tables_are_joined_in_order_and_what_is_missing_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(score_tables, "ROWS", 5)  # several flushes
    for name, count in (("b", 12), ("a", 1)):
        write(tmp_path / f"{name}.parquet", name, count, 100.0)
    join_scores([tmp_path / f"{name}.parquet" for name in ("a", "gone", "b")], tmp_path / "all.parquet", LABELS)
    table = pq.read_table(tmp_path / "all.parquet")
    assert table["recording"].to_pylist() == ["a"] + ["b"] * 12
    np.testing.assert_array_equal(table["start_seconds"][1:], np.arange(12) * 0.5)


def test_a_damaged_part_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(OutputError, match=r"a\.parquet: damaged"):
        join_scores([tmp_path / "a.parquet"], tmp_path / "all.parquet", LABELS)
