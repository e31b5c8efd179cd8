"""Which files are large: the Hub's own `.gitattributes`, the file of a repository, size and content."""

import fnmatch

_LARGE = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx
*.ot *.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite *.tgz
*.wasm *.xz *.zip *.zst *tfevents*
"""
_LARGE_IN_DATASETS = """
*.lz4 *.mds *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp *.mp4
*.webm
"""


def first_attributes(repo_type: str) -> bytes:
    """The `.gitattributes` of a new repository."""
    patterns = (_LARGE + (_LARGE_IN_DATASETS if repo_type == "dataset" else "")).split()
    return "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in patterns).encode()


def is_named_large(attributes: str, path: str) -> bool:
    """Whether a rule of `.gitattributes` makes this path a large file."""
    patterns = [line.split()[0] for line in attributes.splitlines() if "filter=lfs" in line]
    name = path.rsplit("/", 1)[-1]
    return any(fnmatch.fnmatchcase(path, rule) or fnmatch.fnmatchcase(name, rule) for rule in patterns)


def is_binary(sample: bytes) -> bool:
    """Whether the start of a file is not text: such a file is stored as a large one whatever its name."""
    if b"\0" in sample:
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start < len(sample) - 3  # a character cut in two by the end of the sample is no sign
    return False
