"""The server by hand: `python -m tests.hub_server --root DIR --port 8765`, then use it from another terminal.

It prints its address, the tokens it knows and the variables to set. What is pushed stays in DIR.
"""

import argparse
import threading
from pathlib import Path

from tests.hub_server.server import ORGANIZATIONS, TOKENS, Hub, serve


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub_server", description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("build/hub"), help="folder of everything that is stored")
    parser.add_argument("--port", type=int, default=8765, help="0: any that is free (default: 8765)")
    parser.add_argument("--part-size", type=int, metavar="BYTES", help="larger uploads without Xet come in parts")
    parser.add_argument("--storage-host", metavar="NAME", help="large files come from this other name of the machine")
    chosen = parser.parse_args()
    hub = Hub(chosen.root, part_size=chosen.part_size, storage_host=chosen.storage_host)
    with serve(hub, chosen.port) as url:
        print(f"A test server of the Hub's protocol is at {url}, stored in {chosen.root}. In another terminal:\n")
        print(f"  export HF_ENDPOINT={url}")
        print(f"  export HF_HOME={(chosen.root / 'home').resolve()}   # a cache of its own")
        print("  export HF_TOKEN=hf_me")
        print("  # export HF_HUB_DISABLE_XET=1   # large files over LFS instead of Xet\n")
        for token, (name, role) in TOKENS.items():
            print(f"  {token:12} {name}, {role}")
        for name, members in ORGANIZATIONS.items():
            print(f"  organisation {name}: {', '.join(f'{who} ({role})' for who, role in members.items())}")
        print("\nCtrl+C ends it.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
