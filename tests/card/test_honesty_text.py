import shlex

from audiocls.card.honesty_text import denoising_text, detection_text, leak_sentences
from audiocls.card.model_card import model_card
from tests.card.test_model_card import facts_for, leak_found


def told(**changes) -> str:
    return " ".join(leak_sentences(leak_found(**changes)))


def test_both_scores_and_their_difference_are_told_with_intervals():
    text = told()
    assert "with clips of one group on both sides of a split its accuracy is 0.980 (0.970 to 0.990)" in text
    assert "with every group on one side only 0.770 (0.700 to 0.830)" in text
    assert "The difference, -0.210 (-0.280 to -0.140), is what a random split flatters." in text
    assert "of the honest kind" in text


def test_guessed_groups_are_named_with_the_setting_that_keeps_them_apart():
    regex = "it's_(.+)_x$"
    text = told(groups="guessed from the file names", meaning="speaker", regex=regex, test_shared=0.95)
    assert "with every speaker on one side" in text
    assert "95% of the test clips share a speaker with training clips, so the scores on the test part flatter" in text
    words = shlex.split(text[text.index("--group_regex") :].replace(" keeps", "\nkeeps"))
    assert words[1] == regex


def test_without_a_gap_nothing_is_advised():
    gap = {"accuracy": -0.01, "interval": [-0.03, 0.01]}
    text = told(gap=gap, regex="(x)", test_shared=None)
    assert "within chance" in text
    assert "--group_regex" not in text


def test_groups_that_cannot_be_kept_apart_are_told():
    (text,) = leak_sentences({"groups": "the metadata", "num_groups": 2, "clips": 9, "note": "every class is a group"})
    assert text.startswith("Clips lie in 2 groups (the metadata), but every class is a group")


def test_what_was_left_out_is_told():
    assert "This is without rain: all clips in one group." in told(note="without rain: all clips in one group")


def test_a_model_that_reduces_noise_says_who_does_it():
    assert denoising_text(facts_for(["a", "b"])) == []
    (ours,) = denoising_text(facts_for(["a", "b"], config={"denoise": "stationary"}))
    assert "does that itself" in ours
    native = facts_for(["a", "b"], config={"denoise": "nonstationary"}, custom_code=False)
    (theirs,) = denoising_text(native)
    assert "nonstationary" in theirs
    assert "`pipeline` does not, so its scores differ" in theirs
    assert theirs in str(model_card(native))


def test_a_model_for_recordings_says_from_which_score_on_it_hears_an_event():
    assert detection_text(facts_for(["a", "b"])) == []
    fitted = {"thresholds": {"a": 0.3, "b": 0.55}, "fitted_on": "10 recordings of 60 s"}
    (told,) = detection_text(facts_for(["a", "b"], detection=fitted))
    assert "0.30 to 0.55" in told
    assert "10 recordings of 60 s" in told
