"""Images: files in the working directory, figures left open, broken ones, and all of them in one."""

from __future__ import annotations

import struct
import zlib

import pytest

from .calls import run

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 2, height: int = 3, shade: int = 128) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def writing(files: dict[str, bytes], then: str = "pass") -> str:
    lines = ["import os"]
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        if folder:
            lines.append(f"os.path.isdir({folder!r}) or os.makedirs({folder!r})")
        lines.append(f"stream = open({name!r}, 'wb'); _ = stream.write({content!r}); stream.close()")
    return "\n".join([*lines, "def azureml_main(*frames):", f"    {then}", ""])


def test_every_png_in_order_of_creation(any_python: str) -> None:
    files = {"z.png": png(1), "a.PNG": png(2), "sub/deep/m.png": png(3), "not.jpg": b"x", "Script Bundle/b.png": png(4)}
    result = run(writing(files), python=any_python)
    assert [name for name, _ in result.images] == ["z.png", "a.PNG", "sub/deep/m.png"]
    assert [content for _, content in result.images] == [png(1), png(2), png(3)]


def test_images_are_kept_when_the_script_fails(any_python: str) -> None:
    result = run(writing({"a.png": png()}, "raise ValueError"), python=any_python)
    assert result.report["state"] == "failed"
    assert result.images == [("a.png", png())]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no PNG"),
        (b"GIF89a", "no PNG"),
        (SIGNATURE + b"x" * 40, "header"),
        (png(0, 1), "sizes"),
        (png(200_000, 1), "sizes"),
        (png()[:-5], "cut off"),
        (png().replace(b"IDAT", b"IDAX"), "checksum"),
        (SIGNATURE + png()[8:33] + chunk(b"IEND", b""), "no pixels"),
    ],
)
def test_a_broken_png_is_named_and_left_out(content: bytes, words: str) -> None:
    result = run(writing({"good.png": png(), "bad.png": content}))
    assert [name for name, _ in result.images] == ["good.png"]
    assert "estudio: the image bad.png is left out" in result.log
    assert words in result.log
    assert result.report["state"] == "finished"


def test_links_and_folders_are_no_images() -> None:
    script = "import os\nos.symlink('/etc/passwd', 'l.png')\nos.mkdir('d.png')\nos.mkfifo('p.png')\n"
    assert run(script + "azureml_main = lambda: None").images == []


def test_images_that_do_not_fit_end_the_call() -> None:
    result = run(writing({"a.png": png()}), room=64)
    assert result.report["state"] == "output-too-large"


def test_one_image_of_all(drawing_python: str) -> None:
    result = run(writing({"a.png": png(2, 3), "b.png": png(4, 5)}), python=drawing_python)
    assert result.concatenated is not None
    assert struct.unpack(">II", result.concatenated[16:24]) == (4, 8)
    assert run(writing({"a.png": png()}), python=drawing_python).concatenated is None


DRAW = (
    "import matplotlib\n{}\nimport matplotlib.pyplot as plt\n"
    "import warnings\nwarnings.simplefilter('error', UserWarning)\n"
)


@pytest.mark.parametrize("preload", ["numpy,pandas,pyarrow", "numpy,pandas,pyarrow,matplotlib.pyplot"])
def test_figures_left_open_are_captured(preload: str, drawing_python: str) -> None:
    script = DRAW.format("") + (
        "def azureml_main():\n    plt.figure(); plt.plot([1, 2])\n    plt.savefig('saved.png')\n"
        "    plt.figure(); plt.plot([2, 1])\n    plt.show()\n    closed = plt.figure()\n    plt.close(closed)\n"
    )
    result = run(script, python=drawing_python, preload=preload)
    assert result.report["state"] == "finished", result.report
    assert [name for name, _ in result.images] == ["saved.png", "figure-1.png"]
    assert result.log == "estudio: azureml_main returned no table; the result is empty\n"


@pytest.mark.parametrize("preload", ["numpy,pandas", "numpy,pandas,matplotlib.pyplot"])
@pytest.mark.parametrize(
    "use", ["matplotlib.use('TkAgg')", "import matplotlib.pyplot as p; p.switch_backend('Qt5Agg')"]
)
def test_a_backend_with_a_display_falls_back(use: str, preload: str, drawing_python: str) -> None:
    script = DRAW.format(use) + "def azureml_main():\n    plt.plot([1]); plt.savefig('out.png')\n"
    result = run(script, python=drawing_python, preload=preload)
    assert result.report["state"] == "finished", result.report
    assert [name for name, _ in result.images] == ["out.png"]
    assert "needs a display; Agg draws instead" in result.log


def test_saving_to_a_windows_path(drawing_python: str) -> None:
    script = DRAW.format("matplotlib.use('agg')") + (
        "import os\nos.mkdir('out')\ndef azureml_main():\n    plt.plot([1]); plt.savefig('out\\\\x.png')\n"
    )
    result = run(script, python=drawing_python)
    assert [name for name, _ in result.images] == ["out/x.png"]
