from pathlib import Path

from audiocls.corpus.places import place

OUT = Path("out")


def test_the_folders_of_a_recording_are_kept():
    assert place(OUT, "labels", "sites/a/x.wav", ".labels.txt") == OUT / "labels/sites/a/x.wav.labels.txt"


def test_no_two_recordings_share_a_place_and_none_leaves_the_folder():
    recordings = [
        *("a/x.wav", "a/x.flac", "b/x.wav", "x.wav", "/a/x.wav", "../a/x.wav", "../../a/x.wav", "root/a/x.wav"),
        *("up/a/x.wav", "up_/a/x.wav", "root_/a/x.wav", "/root/a/x.wav", "y" * 240 + "1.wav", "y" * 240 + "2.wav"),
    ]
    places = {place(OUT, "timelines", recording, ".png") for recording in recordings}
    assert len(places) == len(recordings)
    assert all(".." not in path.parts and not path.is_absolute() for path in places)
    assert all(len(path.name.encode()) < 255 for path in places)
