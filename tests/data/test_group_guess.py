"""Names as the rules of well-known data sets make them, and names that tell nothing."""

import itertools
import random
import re

import pytest

from audiocls.config import TrainConfig
from audiocls.data.group_guess import guess_groups
from audiocls.data.grouping import known_groups
from audiocls.data.listing import Item, Listing

EMOTIONS = ["angry", "happy", "sad", "neutral"]
rng = random.Random(1)


def tess():
    words = ["back", "bar", "base", "bath", "bean", "beg", "bite", "boat", "bone", "book"]
    return [(f"{e}/{s}_{w}_{e}.wav", e, s) for e, s, w in itertools.product(EMOTIONS, ("OAF", "YAF"), words)]


def ravdess():
    return [
        (f"{e}/03-01-0{n}-01-0{s}-0{r}-{a:02}.wav", e, f"{a:02}")
        for (n, e), s, r, a in itertools.product(enumerate(EMOTIONS), (1, 2), (1, 2), range(1, 25))
    ]


def esc50():
    rows = []
    for source in range(300):
        label = f"class{source % 10}"
        for take in "ABC"[: rng.choice([1, 1, 2, 3])]:
            rows.append((f"{label}/{source % 5 + 1}-{100032 + 71 * source}-{take}-{source % 10}.wav", label, None))
    return [(file, label, file.split("-")[1]) for file, label, _ in rows]


def urban_sound():
    return [
        (f"audio/fold{s % 10 + 1}/{s * 37 + 7061}-{s % 10}-{o}-{c}.wav", f"class{s % 10}", str(s * 37 + 7061))
        for s, o, c in itertools.product(range(60), (0, 1), (0, 4, 9))
    ]


def speech_commands():
    speakers = [f"{rng.getrandbits(32):08x}" for _ in range(50)]
    rows = {(w, s, t) for w in ("yes", "no", "up") for s in speakers for t in range(rng.choice([1, 2, 3]))}
    return [(f"{w}/{s}_nohash_{t}.wav", w, s) for w, s, t in sorted(rows)]


def fsdd():
    people = ("jackson", "nicolas", "theo", "yweweler", "george", "lucas")
    return [(f"{d}/{d}_{p}_{t}.wav", str(d), p) for d, p, t in itertools.product(range(10), people, range(5))]


def audio_mnist():
    return [
        (f"{d}/{d}_{p:02}_{t}.wav", str(d), f"{p:02}") for d, p, t in itertools.product(range(10), range(1, 61), (0, 1))
    ]


def crema_d():
    sentences, speakers = ("IEO", "TIE", "IOM"), range(1001, 1031)
    return [
        (f"train/{e}/{s}_{t}_{e[:3].upper()}_XX.wav", e, str(s))
        for e, s, t in itertools.product(EMOTIONS, speakers, sentences)
    ]


def emo_db():
    return [
        (f"{e}/{s:02}{t}0{n}{c}a.wav", e, f"{s:02}")
        for (c, e), s, t, n in itertools.product(zip("WFTN", EMOTIONS, strict=True), range(3, 17), "ab", (1, 2))
    ]


def savee():
    return [
        (f"{e}/{s}_{e[0]}{n:02}.wav", e, s)
        for e, s, n in itertools.product(EMOTIONS, ("DC", "JE", "JK", "KL"), range(1, 16))
    ]


def acoustic_scenes():
    cities, scenes = ("barcelona", "helsinki", "london"), ("airport", "bus", "park", "street_traffic")
    return [
        (f"{scene}/{scene}-{city}-{10 * n + m}-{t}-a.wav", scene, f"{city}-{10 * n + m}")
        for (n, scene), city, m, t in itertools.product(enumerate(scenes), cities, range(4), range(3))
    ]


def recorder():
    return [
        (f"{bird}/SM4_202405{day:02}_{hour:02}3000.wav", bird, f"202405{day:02}")
        for bird, day, hour in itertools.product(("owl", "wren"), range(3, 20), (4, 5, 21))
    ]


def telephone():
    return [
        (f"{bird}/2024-05-{day:02} 0{n}.15.{n}0.m4a", bird, f"2024-05-{day:02}")
        for bird, day, n in itertools.product(("owl", "wren"), range(3, 20), (4, 5))
    ]


def sub_folders():
    names = ("rex", "bello", "tom", "mia", "kim", "lou", "ida")
    return [
        (f"train/{c}/{c[0]}{name}/{n}.wav", c, f"{c[0]}{name}")
        for c, name, n in itertools.product(("dog", "cat"), names, range(4))
    ]


def drum_kits():
    kits, hits = ("black_pearl", "TR808", "GMRockKit"), ("kick", "snare", "tom")
    rows = [(hit, kit) for kit in kits for hit in hits for _ in range(6)]
    return [(f"{kit}_{n:04}.wav", hit, kit) for n, (hit, kit) in enumerate(rows)]


def two_speakers():
    return [
        (f"speaker_{s}_{n:04}.ogg", f"tone_{t}", f"speaker_{s}")
        for n, (s, t, _) in enumerate(itertools.product((3, 5), range(1, 5), range(20)))
    ]


def takes():
    counts = {"dog": 7, "cat": 12, "cow": 5}
    return [
        (f"{c}/{c}_{r:02}_{t}.wav", c, f"{c}_{r:02}")
        for c, count in counts.items()
        for r, t in itertools.product(range(1, count + 1), range(1, 4))
    ]


def takes_named_by_their_folder():
    return [(f"{c}/{file.partition('_')[2]}", c, f"{c}/{name.partition('_')[2]}") for file, c, name in takes()]


def numbered_people():
    return [
        (f"{word}/{person:02}_{take}.wav", word, f"{person:02}")
        for word, person, take in itertools.product(("yes", "no", "go"), range(1, 21), (1, 2, 3))
    ]


def one_word_a_person():
    return [(f"{w}/{p}.wav", w, p) for w, p in itertools.product(("yes", "no"), ("anna", "ben", "eva", "max", "leo"))]


def respiratory():
    return [
        (f"{c}/{p}_{n}b1_{place}_sc_Meditron.wav", c, str(p))
        for k, c in enumerate(("healthy", "copd", "asthma"))
        for p, n, place in itertools.product(range(101 + k, 160, 3), (1, 2), ("Al", "Ar"))
    ]


def instruments():
    return [
        (f"{f}/{f}_{m}_{i:03}-{pitch:03}-{v:03}.wav", f, f"{f}_{m}_{i:03}")
        for f, m, i, pitch, v in itertools.product(
            ("bass", "flute"), ("acoustic", "synthetic"), range(5), range(40, 60, 7), (25, 127)
        )
    ]


KNOWN = [
    (tess, "speaker"), (ravdess, "speaker"), (esc50, "source"), (urban_sound, "source"), (speech_commands, "speaker"),
    (fsdd, "speaker"), (audio_mnist, "speaker"), (crema_d, "speaker"), (emo_db, "speaker"), (savee, "speaker"),
    (acoustic_scenes, "place"), (recorder, "day"), (telephone, "day"), (sub_folders, "recording"),
    (drum_kits, "device"), (two_speakers, "speaker"), (takes, "recording"), (takes_named_by_their_folder, "recording"),
    (numbered_people, "speaker"), (one_word_a_person, "speaker"), (respiratory, "patient"), (instruments, "instrument"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "meaning"), KNOWN, ids=lambda value: getattr(value, "__name__", value))
def test_the_groups_of_well_known_names_are_found(rows, meaning):
    files, labels, groups = zip(*rows(), strict=True)
    best = guess_groups(files, labels)[0]
    assert best.names == list(groups)
    assert best.num_groups == len(set(groups))
    assert meaning in best.meaning
    # the expression gives the same groups as an option of train
    items = [Item(file, file, (label,)) for file, label in zip(files, labels, strict=True)]
    assert known_groups(Listing(), items, TrainConfig(group_regex=best.regex)).names == best.names


def test_tables_of_labels_do_not_need_class_folders():
    files, labels, groups = zip(
        *[(file.rpartition("/")[2], label, group) for file, label, group in ravdess()], strict=True
    )
    assert guess_groups(files, labels)[0].names == list(groups)


def numbered(template, classes=("dog", "cat", "cow"), count=30):
    return [(template.format(c=c, n=n), c) for c in classes for n in range(1, count + 1)]


@pytest.mark.parametrize(
    "rows",
    [
        numbered("{c}/{c}_{n:03}.wav"),
        numbered("{c}/{n}.wav"),
        numbered("{c}/clip_{n:02}.wav"),
        numbered("{c}/rec{n:04}.wav"),
        numbered("{c}/{c}.{n:05}.wav"),  # GTZAN
        numbered("train/{c}/{c}_{n:02}.ogg"),
        numbered("{c}/recording ({n}).m4a"),
        [(f"{n:05}.wav", f"class{n % 3}") for n in range(90)],
        [(f"train/{n:03}", "a") for n in range(90)],  # rows of a Hub data set
        [(f"{c}/common_voice_en_{n}.mp3", c) for k, c in enumerate("ab") for n in range(20177000 + k, 20177300, 7)],
        [(f"dog/{rng.getrandbits(64):016x}.wav", "dog") for _ in range(50)],
        [(f"a/x{n}.wav", "a") for n in range(3)],
        [("a/x.wav", "a")],
        [],
    ],
    ids=lambda rows: rows[0][0] if rows else "none",
)
def test_running_numbers_and_names_of_the_class_tell_nothing(rows):
    assert guess_groups([file for file, _ in rows], [label for _, label in rows]) == []


def test_the_class_in_other_words_is_no_group():
    rows = [(f"{person}_{take}.wav", "woman" if person < "c" else "man") for person in "abcd" for take in range(9)]
    assert guess_groups(*zip(*rows, strict=True)) == []  # four people, but two a class: held out, little is left
    other = [(f"sound_{word}_{n}.wav", label) for label, word in (("dog", "hund"), ("cat", "katze")) for n in range(20)]
    assert guess_groups(*zip(*other, strict=True)) == []


def test_without_classes_groups_are_found_all_the_same():
    files, _, groups = zip(*[(file.rpartition("/")[2], label, group) for file, label, group in crema_d()], strict=True)
    assert guess_groups(files, [""] * len(files))[0].names == list(groups)


def test_further_guesses_follow_and_differ():
    files, labels, _ = zip(*tess(), strict=True)
    guesses = guess_groups(files, labels)
    assert [guess.num_groups for guess in guesses[:2]] == [2, 10]  # the speakers, then the words
    assert len({tuple(guess.names) for guess in guesses}) == len(guesses)
    assert all(re.compile(guess.regex).groups == 1 for guess in guesses)


def test_files_and_labels_must_agree():
    with pytest.raises(ValueError, match="2 files and 1 labels"):
        guess_groups(["a", "b"], ["a"])


@pytest.mark.parametrize("count", range(2, 9))
def test_a_few_running_numbers_tell_nothing_either(count):
    rows = [(f"{label}/{label}_{number}.wav", label) for label in ("high", "low") for number in range(count)]
    assert not guess_groups([file for file, _ in rows], [label for _, label in rows])
