"""Open the app: `python app.py [--model RUN_OR_ID] [--port N]`."""

from audiocls.ui.app import main

if __name__ == "__main__":
    raise SystemExit(main())
