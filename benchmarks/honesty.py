"""Whether the results can be trusted: copies found, unknown sounds rejected, scores calibrated, wrong labels found.

Runs the four benchmarks of these, each also a script of its own with options.

    python benchmarks/honesty.py [PART ...] [--check]
"""

import argparse
import subprocess
import sys
from pathlib import Path

PARTS = {
    "duplicates": "copies of recordings among 10,000 clips",
    "unknown_sounds": "sounds of classes that were left out",
    "calibration": "calibration errors before and after",
    "flipped_labels": "wrong labels among right ones",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} [all]")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {unknown[0]}; choose from {', '.join(PARTS)}")
    failed = []
    for part in arguments.parts or PARTS:
        print(f"\n== {PARTS[part]}", flush=True)
        script = Path(__file__).with_name(f"{part}.py")
        if subprocess.run([sys.executable, str(script), *(["--check"] if arguments.check else [])]).returncode:
            failed.append(part)
    if failed:
        print(f"\nmissed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
