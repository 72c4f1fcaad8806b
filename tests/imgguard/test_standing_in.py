from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import ROOT

SLOW = "X = 41 + 1"
USER = "import slow.part as part\nimport other\ndef answer(): return part.X"
EAGER = "import slow.part as part\nY = part.X"


def python(code: str, *paths: object) -> str:
    prepared = f"import sys; sys.path[:0] = {[str(ROOT), *map(str, paths)]!r}\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", prepared], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def modules(tmp_path: object) -> object:
    for name, text in {
        "slow/__init__.py": "", "slow/part.py": SLOW, "other.py": "", "user.py": USER, "eager.py": EAGER,
    }.items():  # fmt: skip
        path = tmp_path / name  # type: ignore[operator]
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


LEFT_OUT = "from imgguard.standing_in import left_out\nwith left_out('slow', 'slow.part', 'other'):\n    import "


def test_what_is_left_out_is_not_loaded_and_comes_when_it_is_used(modules: object) -> None:
    told = python(LEFT_OUT + "user\nprint('slow' in sys.modules)\nprint(user.answer(), 'slow' in sys.modules)", modules)
    assert told.split() == ["False", "42", "True"]


def test_whoever_imports_it_afterwards_gets_the_real_one(modules: object) -> None:
    told = python(LEFT_OUT + "user\nimport slow.part, other\nprint(slow.part.X, other.__file__)", modules)
    assert told.startswith("42") and told.strip().endswith("other.py")


def test_what_is_used_while_it_is_imported_is_loaded_then(modules: object) -> None:
    assert python(LEFT_OUT + "eager\nprint(eager.Y)", modules).strip() == "42"


def test_what_was_there_before_stays(modules: object) -> None:
    before = "import slow.part, other\nwas = sys.modules['slow.part'], sys.modules['other']\n"
    told = python(before + LEFT_OUT + "user\nprint(was == (user.part, user.other))", modules)
    assert told.strip() == "True"


def test_a_part_of_a_package_that_is_imported_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.py").write_text("from . import part\nfrom . import other")
    for name in ("part", "other"):
        (tmp_path / "whole" / f"{name}.py").write_text(SLOW)
    told = python(
        """
        from imgguard.standing_in import left_out
        with left_out("whole.part"):
            import whole
        print("whole.part" in sys.modules, "whole.other" in sys.modules, whole.part.X, "whole.part" in sys.modules)
        import whole.part
        print(whole.part is sys.modules["whole.part"])
        """,
        tmp_path,
    )
    assert told.split() == ["False", "True", "42", "True", "True"]


def test_the_models_load_neither_what_draws_nor_what_listens_nor_what_reads() -> None:
    told = python("""
        from imgguard.backends import default_backends
        default_backends()
        print("matplotlib" in sys.modules, "sounddevice" in sys.modules, "mediapipe.tasks.python.text" in sys.modules)
        from mediapipe.tasks.python.vision import drawing_utils as drawing
        print(drawing.plt.figure.__module__)
        import mediapipe
        print(mediapipe.tasks.text.TextClassifier.__name__, mediapipe.tasks.audio.AudioClassifier.__name__)
    """)
    assert told.split() == ["False", "False", "False", "matplotlib.pyplot", "TextClassifier", "AudioClassifier"]
