"""What the Train tab decides by itself: names that are free, where models go, whose corrections may be added."""

import pytest

from audiocls.errors import UsageError
from audiocls.ui.context import AppContext
from audiocls.ui.serving.visitors import Rights, Visitor
from audiocls.ui.shelf import ModelShelf
from audiocls.ui.train import tab as train
from audiocls.ui.train.views import audit_html, clips_html

HERE, ELSEWHERE = Visitor("a", True), Visitor("b", False)


@pytest.fixture
def context(classifier, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return AppContext(ModelShelf(classifier), Rights(local=True, train=True), feedback=tmp_path / "feedback")


def test_a_model_goes_to_runs_or_into_the_visitors_own_folder(context):
    assert str(train.target_of(context, HERE, "birds")) == "runs/birds"
    own = train.target_of(context, ELSEWHERE, "birds")
    assert own.is_relative_to(context.workspaces.folder(ELSEWHERE))
    context.forget("b")


def test_nothing_is_written_over_and_no_name_leads_elsewhere(context, tmp_path):
    (tmp_path / "runs" / "birds").mkdir(parents=True)
    (tmp_path / "runs" / "begun.partial").mkdir()
    for name, reason in (("birds", "exists already"), ("begun", "interrupted"), ("", "a name"), ("../up", "a name")):
        with pytest.raises(UsageError, match=reason):
            train.target_of(context, HERE, name)
    for name in ("/etc/x", "..", ".hidden", "a.partial", "a b", "-x"):
        with pytest.raises(UsageError, match="a name"):
            train.target_of(context, HERE, name)
    assert train.free_name(context, HERE, "birds") == "birds-2"


def test_corrections_are_for_who_sits_here(context, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "can_add_corrections", lambda: True)
    (tmp_path / "feedback" / "birds").mkdir(parents=True)
    assert train.corrections_folder(context, HERE, "birds") == tmp_path / "feedback" / "birds"
    assert train.corrections_folder(context, HERE, "") is None
    for visitor, name in ((ELSEWHERE, "birds"), (HERE, ".."), (HERE, "../runs"), (HERE, "cats")):
        with pytest.raises(UsageError, match="no corrections"):
            train.corrections_folder(context, visitor, name)


def test_names_of_classes_and_files_are_shown_as_they_are():
    finding = {"weight": "mend", "title": "<b>", "text": "<i>", "action": "<u>", "files": ["<s>"] * 5}
    report = {
        "headline": "<h1>",
        "classes": {"<script>x</script>": {"clips": 1, "seconds": 2.0, "usable": 1}},
        "findings": [finding] * 12,
    }
    shown = audit_html(report)
    for tag in ("<script", "<b>", "<i>", "<u>", "<s>", "<h1>"):
        assert tag not in shown
    assert "and 4 more" in shown
    assert "<script" not in clips_html({"<script>": []})
