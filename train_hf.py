"""Train an audio classifier on a folder of sounds: `python train_hf.py DATA`. The same as `audiocls train DATA`."""

import sys

from audiocls.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
