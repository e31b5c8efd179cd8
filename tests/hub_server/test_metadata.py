"""Which metadata the server takes and which it refuses, for each type of repository."""

import pytest

from tests.hub_server.metadata import check_readme, read_metadata

MODEL = """---
license: cc-by-4.0
language: en
library_name: transformers
pipeline_tag: audio-classification
tags: [audio, music]
datasets: [me/data]
base_model: openai/whisper-tiny.en
metrics: [accuracy]
widget:
- src: https://example.org/a.wav
model-index:
- name: sounds
  results:
  - task: {type: audio-classification}
    dataset: {type: me/data, name: data, split: test}
    metrics: [{type: accuracy, value: 0.9}]
---
# Sounds
"""
DATASET = "---\nlicense: [mit, cc0-1.0]\npretty_name: Sounds\ntask_categories: [audio-classification]\n"
DATASET += "size_categories: ['n<1K']\nconfigs:\n- config_name: default\n---\n"
SPACE = "---\ntitle: Sounds\nsdk: gradio\nsdk_version: 6.0.0\napp_file: app.py\nemoji: 🎧\ncolorFrom: blue\n"
SPACE += "colorTo: gray\npinned: false\nmodels: [me/sounds]\n---\n"


@pytest.mark.parametrize(("text", "kind"), [(MODEL, "model"), (DATASET, "dataset"), (SPACE, "space")])
def test_good_metadata_is_taken(text, kind):
    assert check_readme(text, kind) == ([], [])
    assert check_readme(text.replace("\n", "\r\n"), kind) == ([], [])


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("model", "license: 3", '"license" must be a string'),
        ("model", "license: my-own", "'my-own'"),
        ("model", "tags: audio", '"tags" must be an array'),
        ("model", "tags: [1, 2]", '"tags" must be an array'),
        ("model", "datasets: [/tmp/my data]", '"datasets" with value "/tmp/my data" is not valid'),
        ("model", "pipeline_tag: sounds", '"pipeline_tag" must be one of'),
        ("model", "language: English", '"language" must only contain'),
        ("model", "widget: a.wav", '"widget" must be an array'),
        ("model", "base_model: {a: b}", '"base_model" must be'),
        ("model", "model-index: [{name: a}]", '"model-index[0].results" must be an array'),
        ("model", "model-index: [{name: a, results: [{task: {type: t}}]}]", "dataset.type"),
        ("model", "- a list", "metadata must be an object"),
        ("model", "license: [", "expected"),
        ("dataset", "size_categories: many", '"size_categories"'),
        ("dataset", "configs: default", '"configs"'),
        ("dataset", "pretty_name: [a]", '"pretty_name"'),
        ("space", "title: a", '"sdk" must be one of'),
        ("space", "sdk: gradio\ncolorFrom: pinkish", '"colorFrom" must be one of'),
        ("space", "sdk: gradio\nsdk_version: 6.0", '"sdk_version" must be a string'),
        ("space", f"sdk: gradio\nshort_description: {'a' * 61}", "60 characters"),
    ],
)
def test_bad_metadata_is_refused(kind, line, message):
    errors, _ = check_readme(f"---\n{line}\n---\n# Title\n", kind)
    assert message in " ".join(errors)


def test_no_metadata_is_a_warning_and_for_a_space_an_error():
    assert check_readme("# Title\n", "model") == ([], ["empty or missing yaml metadata in repo card"])
    assert check_readme("---\n---\n", "dataset") == ([], ["empty or missing yaml metadata in repo card"])
    assert check_readme("# Title\n", "space") == (["Missing configuration in README"], [])


def test_metadata_ends_at_its_own_line():
    text = "---\ntitle: a --- b\n---\ntext\n---\nmore: 1\n"
    assert read_metadata(text) == {"title": "a --- b"}
    assert read_metadata("text\n---\na: 1\n---\n") == {}
