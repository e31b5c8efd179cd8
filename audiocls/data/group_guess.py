"""Guessing from file names alone which clips belong together: one speaker, one recording, one day.

People name files by rules: OAF_back_angry.wav, 1-100210-A-36.wav, 20240615_053000.wav. A part of the name that
repeats over several files, that is neither the class nor a running number, most often names where they come from.
A guess is a regular expression for `group_regex`; nothing is read but the names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEAST_MATCHED = 0.9  # share of the files in which the expression finds a group
LEAST_SHARED = 0.05  # share of the clips that lie in one group with another clip
LARGEST_GROUP = 0.8  # share of the clips
GROUPS_A_CLASS = 3  # when no group spans classes: fewer look like kinds of sound
MOST_GUESSES = 5
_SAMPLE = 2000  # files on which expressions are tried before all files are
_START, _END = r"(?:^|/)", r"\.\w+$"

# The rules of well-known data sets and programs: expression, what the group is.
_KNOWN = (
    (r"(?:^|/)([0-9a-f]{6,10})_nohash_\d+", "speaker"),  # Speech Commands
    (r"(?:^|/)(?:\d\d-){6}(\d\d)" + _END, "speaker"),  # RAVDESS
    (r"(?:^|/)\d-(\d+)-[A-Z]-\d+" + _END, "source"),  # ESC-50: a recording of Freesound
    (r"(?:^|/)(\d+)-\d-\d+-\d+" + _END, "source"),  # UrbanSound8K
    (r"(?:^|/)[a-z_]+-([a-z]+-\d+)-\d+-\w+" + _END, "place"),  # TAU Urban Acoustic Scenes
    (r"(?:^|/)([a-z]+_[a-z]+_\d{3})-\d{3}-\d{3}" + _END, "instrument"),  # NSynth
    (r"(?:^|/)((?:\[\w+\])+[^/]*?)__\d+" + _END, "recording"),  # IRMAS
    (r"(?:^|/)(\d\d)[a-z]\d\d[A-Z][a-z]?" + _END, "speaker"),  # EmoDB
    (r"(?:^|/)\d_(\d\d)_\d+" + _END, "speaker"),  # AudioMNIST
    (r"(?:^|/)(id\d{5})/", "speaker"),  # VoxCeleb
    (r"(?:^|/)(\d+)-\d+-\d{4}" + _END, "speaker"),  # LibriSpeech
    (r"(?:^|/)(p\d{3})_\d{3}", "speaker"),  # VCTK
    (r"(?:^|/)(Ses\d\d)[FM]_", "session"),  # IEMOCAP
    (r"(?:^|/)(\d{3})_\d[a-z]\d+_[A-Z][a-z]_", "patient"),  # ICBHI respiratory sounds
    (r"(?:^|/)\d+__([^/]+?)__", "uploader"),  # Freesound's downloads
)
# Words before a number or a letter; what stands for a person counts even when each says a word once.
_PEOPLE = {"speaker": "speaker|spkr?", "subject": "subject|subj", "patient": "patient", "actor": "actor"}
_PEOPLE |= {"person": "person|people|participant|user", "singer": "singer", "player": "player"}
_THINGS = {"session": "session|sess", "recording": "recording", "song": "song", "station": "station|site"}
_THINGS |= {"device": "device|microphone|mic", "kit": "kit", "fold": "fold", "animal": "animal|bird"}
_DAYS = (
    r"(?<!\d)((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?=\D|[0-2]\d[0-5]\d(?:[0-5]\d)?(?!\d))",
    r"(?<!\d)((?:19|20)\d\d[-_.](?:0[1-9]|1[0-2])[-_.](?:0[1-9]|[12]\d|3[01]))(?!\d)",
)


@dataclass(frozen=True)
class GroupGuess:
    """A way to group clips by their names.

    `regex` works as `group_regex` (capture 1 of `re.search` in the path below the data's root), `names` has what it
    finds in each file (None: nothing), `meaning` is "speaker", "source", "recording" ... as far as can be said.
    """

    regex: str
    meaning: str
    names: list[str | None]
    num_groups: int


@dataclass(frozen=True)
class _Rule:
    regex: str
    meaning: str  # "" where it shows only in how the groups lie over the classes
    trusted: bool = False  # a known rule: numbers in it are no running numbers
    last: bool = False  # of the fields of a name: there stand running numbers


def guess_groups(files: Sequence[str], labels: Sequence[str]) -> list[GroupGuess]:
    """Ways to group clips, the most likely first; empty when the names tell nothing.

    Args:
        files: paths below the data's root, with "/".
        labels: the class of each file; one name for all where there are no classes.
    """
    if len(files) != len(labels):
        raise ValueError(f"{len(files)} files and {len(labels)} labels")
    step = -(-len(files) // _SAMPLE) if files else 1
    sample = files[::step]
    guesses: list[GroupGuess] = []
    partitions: set[tuple[int, ...]] = set()
    for rule in _rules(sample):
        if len(guesses) == MOST_GUESSES:
            break
        pattern = re.compile(rule.regex)
        if sum(1 for file in sample if pattern.search(file)) < LEAST_MATCHED * len(sample):
            continue
        names = [match.group(1) if (match := pattern.search(file)) else None for file in files]
        meaning = _judge(names, labels, rule)
        if meaning is None:
            continue
        numbers: dict[str | None, int] = {}
        partition = tuple(numbers.setdefault(name, len(numbers)) for name in names)
        if partition not in partitions:
            partitions.add(partition)
            guesses.append(GroupGuess(rule.regex, meaning, names, len(set(names) - {None})))
    return guesses


def _rules(files: Sequence[str]) -> Iterator[_Rule]:
    """What to try, the most telling first."""
    for regex, meaning in _KNOWN:
        yield _Rule(regex, meaning, trusted=True)
    for meanings, trusted in ((_PEOPLE, True), (_THINGS, False)):
        for meaning, words in meanings.items():
            yield _Rule(rf"(?i)(?<![a-z])((?:{words})[_ -]?(?:\d+|[a-z]))(?![a-z0-9])", meaning, trusted)
    depth = min((file.count("/") for file in files), default=0)
    for level in range(1, depth):  # folders below that of the class; with train/ and test/ the class is one of them
        yield _Rule(rf"^(?:[^/]+/){{{level}}}([^/]+)/", "", trusted=True)
    for regex in _DAYS:
        yield _Rule(regex, "day", trusted=True)
    yield _Rule(_START + r"([^/0-9]+)" + _END, "")  # one name in several classes: yes/anna.wav, no/anna.wav
    yield _Rule(_START + r"((?=[^/]*[a-f])(?=[^/]*\d)[0-9a-f-]{6,})" + _END, "")
    separators = [s for s in ("_", "-", " ", ".") if _as_many_fields(files, s)]
    for s in separators:
        between = re.escape(s)
        for place in range(3):
            yield _Rule(_START + rf"[^{s}/]*{between}" * place + rf"([^{s}/]+){between}[^/]*$", "")
    number = rf"[_\-. (]+\d+\)?{_END}"  # a name without its running number: apart from it, or with nothing between
    yield _Rule(rf"{_START}([^/]+?){number}", "")
    yield _Rule(rf"{_START}([^/]*[^/\d_\-. (])\d+{_END}", "")
    yield _Rule(rf"([^/]+/[^/]*\d){number}", "")  # 01_02.wav means another recording in each class
    for s in separators:
        yield _Rule(re.escape(s) + rf"([^{s}/.]+){_END}", "", last=True)


def _as_many_fields(files: Sequence[str], separator: str) -> bool:
    """Whether nearly all names have the same number of fields, two at least: only then has a place a meaning."""
    counts = Counter(file.rpartition("/")[2].rpartition(".")[0].count(separator) for file in files)
    return any(count and times >= LEAST_MATCHED * len(files) for count, times in counts.items())


def _judge(names: Sequence[str | None], labels: Sequence[str], rule: _Rule) -> str | None:
    """What the groups are, None when they are the class, a running number, or too few or too many to be groups."""
    pairs = [(label, name) for label, name in zip(labels, names, strict=True) if name is not None]
    sizes = Counter(name for _, name in pairs)
    if len(sizes) < 2 or len(pairs) < LEAST_MATCHED * len(names) or max(sizes.values()) > LARGEST_GROUP * len(names):
        return None
    if sum(size for size in sizes.values() if size > 1) < LEAST_SHARED * len(names):
        return None
    cells = Counter(pairs)
    inside: dict[str, list[str]] = defaultdict(list)  # the groups of each class
    spans: Counter[str] = Counter()  # the number of classes of each group
    for label, name in cells:
        inside[label].append(name)
        spans[name] += 1
    largest: Counter[str] = Counter()
    for (label, _), count in cells.items():
        largest[label] = max(largest[label], count)
    if sum(largest.values()) >= 0.98 * len(pairs):
        return None  # the class itself
    across = len(inside) > 1 and sum(sizes[name] for name, count in spans.items() if count > 1) > 0.5 * len(pairs)
    if not rule.trusted and _are_running_numbers(sizes, cells, inside, across, rule.last):
        return None
    if len(sizes) == 2 and not (across and min(spans.values()) >= 0.8 * len(inside) and _has_letters(sizes)):
        return None
    if not across and len(inside) > 1 and len(sizes) < GROUPS_A_CLASS * len(inside):
        return None
    return rule.meaning or ("speaker or device" if across else "recording or source")


def _are_running_numbers(
    sizes: Counter[str], cells: Counter, inside: dict[str, list[str]], across: bool, last: bool
) -> bool:
    """Whether the names are numbers counted up from 0 or 1, and not those of people who take part in every class."""
    numbers = [int(match.group(1)) for name in sizes if (match := re.search(r"(\d+)\D*$", name)) and len(name) < 19]
    if len(numbers) < 0.9 * len(sizes) or len(_words(sizes)) > max(1, 0.2 * len(sizes)):
        return False  # words, or numbers with many different words before them
    distinct = set(numbers)
    if min(distinct) > 1 or max(distinct) - min(distinct) > 1.5 * len(distinct):
        return False  # numbers of a register
    if last or sum(cells.values()) < 1.5 * len(cells):
        return True
    balance = sum(len(names) for names in inside.values()) / (len(inside) * len(sizes))
    return across and balance < 0.9


def _words(names: Counter[str]) -> set[str]:
    """What is left of names without their digits."""
    return {re.sub(r"\d+", "", name) for name in names}


def _has_letters(names: Counter[str]) -> bool:
    return all(any(char.isalpha() for char in name) for name in names)
