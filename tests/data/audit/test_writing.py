"""An audit in a file is the audit."""

import pytest
from data.audit.planted import clean

from mind_keras.data.audit import audit, write_audit


def test_a_file_holds_what_its_name_says(tmp_path):
    found = audit(clean())
    for name, text in (("a.html", found.html()), ("a.md", found.markdown())):
        (tmp_path / name).write_text("old")
        write_audit(found, tmp_path / name)
        assert (tmp_path / name).read_text("utf-8") == text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.md"]


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\['.html', '.md'\]. Received: 'a.pdf'"):
        write_audit(audit(clean()), tmp_path / "a.pdf")
