from audiocls.data.attribution import attribution_text


def test_the_bundled_sounds_tell_licences_and_sources(everyday_sounds):
    text = attribution_text(everyday_sounds)
    assert "CC0-1.0 (40)" in text
    assert "0ad-data (192)" in text


def test_a_licence_file_and_a_readme(tmp_path):
    assert attribution_text(tmp_path) is None
    assert attribution_text(None) is None
    (tmp_path / "README.md").write_text("# Sounds\n\nAll under the licence CC BY 4.0.\n")
    assert attribution_text(tmp_path) == "All under the licence CC BY 4.0."
    (tmp_path / "LICENSE.txt").write_text("\nCreative Commons Zero\nmore\n")
    assert attribution_text(tmp_path) == "Licence of the data: Creative Commons Zero"


def test_an_odd_table_says_nothing(tmp_path):
    (tmp_path / "ATTRIBUTION.csv").write_bytes(b"\xff\xfe\x00")
    assert attribution_text(tmp_path) is None
    (tmp_path / "ATTRIBUTION.csv").write_text("file,group\na,b\n")
    assert attribution_text(tmp_path) is None
