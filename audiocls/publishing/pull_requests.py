"""The pull request of an earlier push, so that pushing again adds to it and opens no second one."""

from huggingface_hub import HfApi

from audiocls.hub.calls import ask_hub
from audiocls.publishing.repository import Repository


def own_pull_request(repository: Repository, user: str, title: str) -> tuple[str, str] | None:
    """The newest open pull request of this user with this title: its branch, such as "refs/pr/3", and its page.

    Raises:
        HubError: the Hub cannot be asked.
    """
    api = HfApi(token=repository.token or False, library_name="audiocls")

    def ask() -> list[tuple[int, str, str]]:
        found = api.get_repo_discussions(
            repository.repo_id,
            repo_type=repository.repo_type,
            author=user,
            discussion_type="pull_request",
            discussion_status="open",
        )
        return [
            (each.num, str(each.git_reference), each.url)
            for each in found
            if each.title == title and each.git_reference
        ]

    newest = max(ask_hub(ask, repository.repo_id, repository.repo_type, token=repository.token), default=None)
    return None if newest is None else newest[1:]
