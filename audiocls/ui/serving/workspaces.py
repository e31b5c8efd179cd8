"""A private folder for each open page: what its visitor recorded, uploaded and made. It goes when the page does."""

import shutil
import tempfile
import threading
import time
from pathlib import Path

from audiocls.ui.serving.visitors import Visitor


class Workspaces:
    """Folders by session, made when they are first asked for, under names that nobody can guess."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._folders: dict[str, Path] = {}
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def folder(self, visitor: Visitor) -> Path:
        """The visitor's own folder.

        Raises:
            ValueError: the request came without a session.
        """
        if visitor.session is None:
            raise ValueError("this request has no session")
        with self._lock:
            self._used[visitor.session] = time.monotonic()
            folder = self._folders.get(visitor.session)
            if folder is None or not folder.is_dir():
                folder = self._folders[visitor.session] = Path(tempfile.mkdtemp(prefix="visitor-", dir=self._root))
            return folder

    def forget(self, session: str | None) -> None:
        """Delete what a session had."""
        with self._lock:
            folder = self._folders.pop(session or "", None)
            self._used.pop(session or "", None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def forget_unused(self, seconds: float) -> None:
        """Delete what was not asked for in so many seconds."""
        limit = time.monotonic() - seconds
        with self._lock:
            old = [session for session, used in self._used.items() if used < limit]
        for session in old:
            self.forget(session)
