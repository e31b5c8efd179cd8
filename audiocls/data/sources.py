"""Finding the clips of a data source: which files, their labels, parts and groups. Decodes nothing.

A folder of class folders, train/validation/test parts or metadata.csv; a zip of one; parquet; the Hub. Folder trees
are walked here and not by `datasets`' audiofolder, which invents or loses labels when parts, loose files and metadata
mix, and passes over unreadable folders in silence.
"""

from pathlib import Path

from audiocls.data.archives import unpacked
from audiocls.data.hub_data import data_set_id, has_parquet, list_folder, list_hub
from audiocls.data.listing import PARTS, Item, Listing, Skipped, class_name, folded_name, relative_name, shown
from audiocls.data.metadata import add_table, table_in
from audiocls.data.relabelling import relabel
from audiocls.data.tree import AUDIO_EXTENSIONS, audio_files, subfolders
from audiocls.errors import DataError


def find_source(source: str, label_regex: str | None = None, streaming: bool = False) -> Listing:
    """List the clips of a folder, a zip of one, a folder of parquet files, or a Hub data set "user/name@revision".

    Args:
        label_regex: what to take out of labels; see `relabel`.
        streaming: read a data set of the Hub clip by clip, without a copy of its files on this machine.

    Raises:
        DataError: no such place, no labelled clips there, or class names that are one name in two spellings.
        UsageError: label_regex is not valid or matches no label.
        OutputError: a zip cannot be unpacked into the cache.
    """
    listing = _find(source, streaming)
    if label_regex is not None:
        relabel(listing, label_regex)
    else:
        _check_class_names(listing.labels)
    return listing


def _find(source: str, streaming: bool) -> Listing:
    path = Path(source)
    try:
        if path.is_file():
            if path.suffix.lower() != ".zip":
                raise DataError(f"{shown(source)}: a file; give a folder, a zip, or the id of a Hub data set")
            folder = unpacked(path)
            listing = find_clips(_unwrapped(folder))
            outside = [
                item.file
                for item in listing.items
                if not Path(str(item.source)).resolve().is_relative_to(folder.resolve())
            ]
            if outside:
                raise DataError(
                    f"{shown(source)}: refused, its table names a file outside the zip: {shown(outside[0])}"
                )
            listing.name = path.stem
            return listing
        if path.is_dir():
            if has_parquet(path) and not part_folders(path) and not table_in(path):
                return list_folder(source)
            inside = _unwrapped(path)
            listing = find_clips(inside)
            if inside != path:
                listing.warnings.append(f"classes are the folders inside {shown(relative_name(inside, path))}")
            listing.name = path.resolve().name
            return listing
    except PermissionError as error:
        raise DataError(f"{shown(source)}: cannot be opened: permission denied") from error
    hub_id = data_set_id(source)
    if hub_id is not None:
        return list_hub(hub_id, streaming)
    raise DataError(f"{shown(source)}: no such folder or zip")


def find_clips(root: Path) -> Listing:
    """List the clips below a folder.

    Raises:
        DataError: no clips there, or a layout that leaves the labels open.
    """
    listing = Listing(root=root)
    folders = part_folders(root)
    if table_in(root):
        add_table(listing, root, root, None)
    elif folders:
        for folder, part in folders:
            if table_in(folder):
                add_table(listing, root, folder, part)
            else:
                _add_class_folders(listing, root, folder, part)
        _note_other_folders(listing, root, folders)
    else:
        _add_class_folders(listing, root, root, None)
    _note_unknown_kinds(listing)
    if not listing.items:
        first = listing.skipped[0] if listing.skipped else None
        detail = f" ({len(listing.skipped)} passed over, such as {shown(first.file)}: {first.reason})" if first else ""
        raise DataError(
            f"{shown(str(root))}: no labelled audio files{detail}. Expected a folder for "
            "each class (dog/1.wav), train/ and test/ folders with such folders, or a metadata.csv"
        )
    listing.items.sort(key=lambda item: item.file)
    return listing


def part_folders(root: Path) -> list[tuple[Path, str]]:
    """The (folder, part) pairs when the root is divided into parts, otherwise empty.

    A class may be called "train" (cars, planes, trains): parts must hold folders or a metadata.csv, and every other
    folder beside them must be empty of sound, unless two kinds of part are there.
    """
    parts, others = [], []
    for folder in subfolders(root):
        part = PARTS.get(folder.name.lower())
        if part and (table_in(folder) or any(True for _ in subfolders(folder))):
            parts.append((folder, part))
        elif any(True for _ in audio_files(folder)):
            others.append(folder)
    if not parts or (others and len({part for _, part in parts}) < 2):
        return []
    return parts


def _add_class_folders(listing: Listing, root: Path, folder: Path, part: str | None) -> None:
    """Add every audio file below `folder`; the first folder level is the class."""
    seen: dict[str, int] = {}
    for class_folder in subfolders(folder):
        seen[class_name(class_folder.name)] = 0
    for path in audio_files(folder, listing, root):
        below = path.relative_to(folder).parts
        if len(below) == 1:
            listing.skipped.append(Skipped(relative_name(path, root), "not in a class folder"))
            continue
        label = class_name(below[0])
        seen[label] = seen.get(label, 0) + 1
        listing.items.append(Item(relative_name(path, root), str(path), (label,), part))
    where = f" in {folder.name}" if part else ""
    for label, count in seen.items():
        if count == 0:
            listing.warnings.append(f"class folder {shown(label)}{where} holds no audio files; it is left out")
    listing.labels.update(label for label, count in seen.items() if count)


def _note_unknown_kinds(listing: Listing) -> None:
    count = len(listing.unknown)
    if count:
        what = "file of an unknown kind was" if count == 1 else "files of unknown kinds were"
        more = " ..." if count > 1 else ""
        listing.warnings.append(f"{count} {what} ignored: {shown(listing.unknown[0])}{more}")


def _check_class_names(labels: set[str]) -> None:
    """Refuse names that only differ by case, blanks or Unicode form: they are one class written in two ways."""
    first: dict[str, str] = {}
    for label in sorted(labels):
        folded = folded_name(label)
        if folded in first:
            raise DataError(
                f"classes {first[folded]!r} and {label!r} differ only in case, blanks or Unicode form; "
                "give them one name or clearly different names (or one through label_regex)"
            )
        first[folded] = label


def _note_other_folders(listing: Listing, root: Path, folders: list[tuple[Path, str]]) -> None:
    """Name what lies beside the parts: it is neither training nor test data."""
    inside = {folder for folder, _ in folders}
    for path in audio_files(root):
        if not any(folder in path.parents for folder in inside):
            listing.skipped.append(Skipped(relative_name(path, root), "beside the train and test folders, not in one"))


def _unwrapped(root: Path) -> Path:
    """Step into a single folder that holds nothing but folders with sound, as many archives are packed."""
    for _ in range(3):
        inside = list(subfolders(root))
        if len(inside) != 1 or table_in(root) or inside[0].name.lower() in PARTS:
            break
        if not table_in(inside[0]) and not any(any(True for _ in audio_files(sub)) for sub in subfolders(inside[0])):
            break
        if any(path.suffix.lower() in AUDIO_EXTENSIONS for path in [*root.iterdir(), *inside[0].iterdir()]):
            break
        root = inside[0]
    return root
