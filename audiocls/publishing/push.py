"""Publishing a model: checked here, uploaded in one commit, proved by loading it back. One step after the other.

A failure says in which step it was and what is on the Hub then. Nothing is sent before the folder, the login and the
repositories have been looked at.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from audiocls.card.examples import example_clips
from audiocls.card.model_card import README
from audiocls.card.proved import badge, with_badge
from audiocls.card.published import published_card
from audiocls.errors import AudioclsError, HubError, UsageError
from audiocls.inference.classifier import AudioClassifier
from audiocls.inference.model_config import OWN_TYPES
from audiocls.publishing import space, standing
from audiocls.publishing.changes import Commit, LeftEmptyError, Plan, UnknownOutcomeError
from audiocls.publishing.checks import CheckedFolder, check_model_folder
from audiocls.publishing.eval_results import with_results
from audiocls.publishing.login import Login, login
from audiocls.publishing.options import PushOptions
from audiocls.publishing.proof import Proof, prove
from audiocls.publishing.pull_requests import own_pull_request
from audiocls.publishing.repository import Repository
from audiocls.publishing.told import card_lines, checked_lines, plan_lines

Say = Callable[[str], None]
MESSAGE = "Upload the model with audiocls"
READING = ("login", "proof")  # steps that change nothing on the Hub
BADGE_MESSAGE = "The model was loaded back and gave its scores"


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    commit: of the model, that is on the Hub now. pull_request: its page, if it is one. uploaded, deleted: paths in the
    model's repository. proof: None if it was not asked for. dataset_url, space_url: None if they were not.
    """

    repo_id: str
    url: str
    commit: str | None
    pull_request: str | None = None
    uploaded: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    proof: Proof | None = None
    dataset_url: str | None = None
    space_url: str | None = None


def push(
    model_folder: str | Path,
    repo_id: str,
    options: PushOptions | None = None,
    *,
    token: str | None = None,
    say: Say | None = None,
    verbose: bool = False,
) -> Pushed:
    """Publish a model folder on the Hub. Pushing it again uploads what has changed.

    Args:
        model_folder: such as "runs/everyday_sounds".
        repo_id: "user/name", or a name alone for the login's own.
        options: what else to publish, and how.
        token: of the Hub; that of `hf auth login` or HF_TOKEN unless given.
        say: takes a line at a time of what is going on; print with `verbose`, else nothing, unless given.
        verbose: show huggingface_hub's progress bars.

    Raises:
        ModelError: the folder is not fit to be published; nothing was sent.
        HubError: the Hub refuses or cannot be reached, or the proof failed; the line says what is on the Hub now.
        UsageError: options that contradict each other.
    """
    if say is None:
        say = partial(print, flush=True) if verbose else lambda line: None
    return _Push(options or PushOptions(), say, verbose).run(model_folder, repo_id, token)


def push_classifier(
    classifier: AudioClassifier, repo_id: str, options: PushOptions | None = None, **how: Any
) -> Pushed:
    """`push` of the folder that a classifier was loaded from; for AudioClassifier.push_to_hub.

    Raises:
        UsageError: there is no such folder, or it is the Hub's cache.
    """
    if classifier.folder is None:
        raise UsageError(f"{classifier.name} was never saved, so there is no folder to publish; save it, or train it")
    if not Path(classifier.name).is_dir() and classifier.folder.parent.name == "snapshots":
        raise UsageError(
            f"{classifier.name} is from the Hub; to publish it under another name, first download it into a folder: "
            f"hf download {classifier.name.partition('@')[0]} --local-dir FOLDER"
        )
    return push(classifier.folder, repo_id, options, **how)


class _Push:
    """One push; `there` holds, in words, what it has put on the Hub so far."""

    def __init__(self, options: PushOptions, say: Say, verbose: bool) -> None:
        self.options = options
        self.say = say
        self.verbose = verbose
        self.there: list[str] = []

    def run(self, folder: str | Path, repo_id: str, token: str | None) -> Pushed:
        options = self.options
        if options.create_pr and (options.space or options.dataset):
            raise UsageError("create_pr changes nothing but the model; publish its space and dataset without it")
        checked = check_model_folder(folder, token=token, examples=options.examples)
        self._tell(checked_lines(checked))
        with self._step("login"):
            who = login(repo_id, token, create_pr=options.create_pr)
            model = self._model_repository(who)
            remote = standing.check_standing(model)
            app = self._repository(who, "space", space_sdk="gradio") if options.space else None
            if app is not None:
                standing.check_standing(app)
        dataset_url = self._push_dataset(who, checked.folder) if options.dataset else None
        pushed = self._push_model(checked, who, model, remote, dataset_url)
        if app is not None:
            with self._step("Space"):
                files = space.space_files(
                    checked.folder, who.repo_id, license=options.license, examples=options.examples
                )
                self._commit(app, app.plan(files, space.is_ours), "Upload the app with audiocls")
            pushed = replace(pushed, space_url=app.url)
        self.say(f"published: {' and '.join(dict.fromkeys(self.there))}")
        return pushed

    def _repository(
        self,
        who: Login,
        repo_type: str = "model",
        revision: str | None = None,
        create_pr: bool = False,
        space_sdk: str | None = None,
    ) -> Repository:
        return Repository(
            who.repo_id,
            repo_type,
            token=who.token,
            revision=revision,
            create_pr=create_pr,
            private=self.options.private,
            space_sdk=space_sdk,
            verbose=self.verbose,
        )

    def _model_repository(self, who: Login) -> Repository:
        """Where the model goes: with `create_pr` the branch of the request that an earlier push opened, if there is
        one."""
        options = self.options
        model = self._repository(who, revision=options.revision, create_pr=options.create_pr)
        if not options.create_pr or not model.exists():
            return model
        opened = own_pull_request(model, who.user, MESSAGE)
        if opened is None:
            return model
        model = self._repository(who, revision=opened[0])
        model.request_url = opened[1]
        return model

    def _push_dataset(self, who: Login, model_folder: Path) -> str:
        from audiocls.publishing.dataset import push_dataset
        from audiocls.publishing.labelled_sounds import reading_settings

        with self._step("data set"):
            push_dataset(
                str(self.options.dataset),
                who.repo_id,
                token=who.token,
                private=self.options.private,
                **reading_settings(model_folder),
                say=self.say,
                verbose=self.verbose,
            )
        url = self._repository(who, "dataset").url
        self.there.append(f"the data set {url}")
        return url

    def _push_model(
        self, checked: CheckedFolder, who: Login, model: Repository, remote: str | None, dataset_url: str | None
    ) -> Pushed:
        if dataset_url:  # which took a while
            with self._step("model"):
                remote = standing.check_standing(model)
        head = model.seen.sha if model.seen else None
        dataset_id = who.repo_id if dataset_url else None
        local = (checked.folder / README).read_text(encoding="utf-8")
        files: dict[str, Path | bytes] = dict(checked.files)

        def with_card(proved: str | None) -> Mapping[str, Path | bytes]:
            card = published_card(
                local,
                repo_id=who.repo_id,
                remote=remote,
                license=self.options.license,
                dataset_id=dataset_id,
                space_id=who.repo_id if self.options.space else None,
                examples=example_clips(checked.folder) if self.options.examples else (),
                proved=proved,
            )
            return files | {README: card.encode()}

        card = bytes(with_card(None)[README]).decode()
        self._tell(card_lines(local, remote, card))
        files = with_results(files, checked, who.repo_id, card)
        proved = badge(remote)
        with self._step("model"):
            # What was proved once stays so as long as nothing of it changes.
            plan = model.plan(with_card(proved), standing.is_ours)
            if plan.head != head:
                raise HubError(f"{who.repo_id} was just changed on the Hub; run it again")
            if proved and plan.changes:
                plan = model.plan(with_card(None), standing.is_ours)
                proved = None
            commit = self._commit(model, plan, MESSAGE)
        oid = commit.oid if commit else plan.head
        proof = self._prove(checked, who, oid) if self.options.proof else None
        if proof is not None and not proved:
            oid = self._show_badge(model, who, commit, bytes(plan.files[README]).decode(), proof) or oid
        return Pushed(
            repo_id=who.repo_id,
            url=model.url,
            commit=oid,
            pull_request=(commit and commit.pull_request) or model.request_url,
            uploaded=tuple(path for path, _ in plan.upload),
            deleted=tuple(plan.delete),
            proof=proof,
            dataset_url=dataset_url,
        )

    def _commit(self, repository: Repository, plan: Plan, message: str) -> Commit | None:
        self._tell(plan_lines(plan, repository))
        commit = repository.commit(plan, message)
        where = commit.pull_request if commit and commit.pull_request else repository.url
        self.there.append(f"the {repository.thing} {where}")
        return commit

    def _prove(self, checked: CheckedFolder, who: Login, revision: str | None) -> Proof:
        own = checked.classifier.model.config.model_type in OWN_TYPES
        with self._step("proof"):
            proof = prove(
                checked.classifier, who.repo_id, revision, token=who.token, trust_remote_code=own, say=self.say
            )
            if not proof.ok:
                raise HubError(f"{proof.problem}")
        self.say(
            f"proved: {proof.clips} sounds, largest difference of a score {proof.largest_difference:.1e}, "
            f"{proof.seconds:.0f} s"
        )
        return proof

    def _show_badge(self, model: Repository, who: Login, commit: Commit | None, card: str, proof: Proof) -> str | None:
        """The commit that writes the proof into the card; None if it is there."""
        request = model.request_url or (commit and commit.pull_request)
        if commit is not None and commit.revision:
            model = self._repository(who, revision=commit.revision)
        try:
            with self._step("badge in the card"):
                made = model.commit(model.plan({README: with_badge(card, proof.line).encode()}), BADGE_MESSAGE)
        except HubError as error:
            if request is None:
                raise
            self.say(str(error))  # who may open a request under names of others need not have the right to add to it
            return None
        return made.oid if made else None

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self.say(line)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Name the step in what goes wrong, and say what is on the Hub then."""
        try:
            yield
        except (LeftEmptyError, UnknownOutcomeError) as error:
            raise HubError(f"{name}: {error}{self._state(also=True)}") from None
        except AudioclsError as error:
            raise HubError(f"{name}: {error}{self._state()}") from None
        except KeyboardInterrupt:
            sent = "" if name in READING else "; what it was sending is there whole or not at all (or an empty page)"
            self.say(f"stopped in step {name}{self._state(also=bool(sent))}{sent}; the same again goes on")
            raise

    def _state(self, also: bool = False) -> str:
        if not self.there:
            return "" if also else "; nothing on the Hub was changed"
        return f"; on the Hub {'also ' if also else ''}is {' and '.join(dict.fromkeys(self.there))}"
