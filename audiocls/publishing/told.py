"""What a push tells on the way: what was checked, what of the card stays, and the table of files that go up."""

from audiocls.card.front_matter import divided
from audiocls.card.model_card import README
from audiocls.card.published import kept_sections
from audiocls.card.published_metadata import known_licence
from audiocls.card.text import counted
from audiocls.data.listing import some
from audiocls.publishing.changes import Plan
from audiocls.publishing.checks import CheckedFolder
from audiocls.publishing.repository import Repository
from audiocls.text_layout import size

ROWS = 8  # of the table of files; the rest is one line


def checked_lines(checked: CheckedFolder) -> list[str]:
    """What the checks of a model folder found."""
    files = counted(len(checked.files), "file")
    lines = [f"{checked.folder}: complete, loads, predicts; no token and no path of this machine in {files}"]
    if checked.code:
        lines.append(f"code that is not of this version of audiocls goes along: {some(checked.code, 4)}")
    return lines


def card_lines(local: str, remote: str | None, published: str) -> list[str]:
    """What of the card on the Hub stays, and what a model without a licence means."""
    kept = kept_sections(local, remote)
    lines = [f"stays in the card on the Hub: {', '.join(kept)}"] if kept else []
    if not known_licence(divided(published, README)[0].values.get("license")):
        lines.append(
            "no licence is known: nobody may use or change this model; choose one (license), such as apache-2.0"
        )
    return lines


def plan_lines(plan: Plan, repository: Repository) -> list[str]:
    """What a commit will change, largest files first."""
    if not plan.changes:
        return [f"{repository.url}: all {len(plan.unchanged)} files are there already, nothing to upload"]
    lines = [f"{counted(len(plan.upload), 'file')}, {size(plan.total_bytes)}, to {_where(repository, plan)}"]
    rows = sorted(plan.upload, key=lambda row: (-row[1], row[0]))
    shown, folded = (rows, []) if len(rows) <= ROWS + 1 else (rows[:ROWS], rows[ROWS:])
    cells = [(size(number), path) for path, number in shown]
    if folded:
        cells.append((size(sum(number for _, number in folded)), f"in {len(folded)} more files"))
    width = max((len(number) for number, _ in cells), default=0)
    lines += [f"  {number:>{width}}  {path}" for number, path in cells]
    if plan.delete:
        lines.append(f"  deleted there, as they are gone here: {some(plan.delete, 4)}")
    if plan.unchanged:
        lines.append(f"  unchanged: {counted(len(plan.unchanged), 'file')}")
    return lines


def _where(repository: Repository, plan: Plan) -> str:
    private = repository.private if plan.head is None else bool(repository.seen and repository.seen.private)
    state = f"{'private' if private else 'public'}{', new' if plan.head is None else ''}"
    branch = f", branch {repository.revision}" if repository.revision else ""
    request = ", as a pull request" if repository.create_pr else ""
    return f"{repository.url} ({repository.thing}, {state}{branch}{request})"
