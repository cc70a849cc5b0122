"""Collects the images of a call: every PNG file in the working directory, then the figures left open.

A file is read and checked chunk by chunk, but never decoded here unless several are concatenated; a broken one is
named in the log and left out. Order is that of creation: inode numbers grow on tmpfs, elsewhere the time decides.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import ctypes
import io
import os
import stat

from . import figures_png, figures_pyplot
from .bundle import FOLDER
from .notes import PY2, note, to_text

MAX_IMAGES = 256
"""Several times what any known script draws."""
MAX_IMAGE_BYTES = 256 * 1024 * 1024
MAX_NAME_CHARACTERS = 255
MAX_DEPTH = 32
"""Folders within folders that are searched."""
MAX_CONCATENATED_PIXELS = 40 * 1000 * 1000
"""160 MB while drawing: above, the single images must do."""
_NEVER_IMAGES = frozenset([FOLDER, "azuremod.py"])
_TMPFS = 0x01021994


def collect(folder):
    """Return [(name, PNG bytes)] of the working directory and of the open figures."""
    images = []
    for name, path in _files(folder):
        content = _read(name, path)
        if content is not None:
            images.append((name, content))
    taken = set(name for name, _ in images)
    number = 0
    for content in figures_pyplot.open_figures():
        number += 1
        while "figure-{0}.png".format(number) in taken:
            number += 1
        images.append(("figure-{0}.png".format(number), content))
    if len(images) > MAX_IMAGES:
        note("the script drew {0} images; the first {1} are kept".format(len(images), MAX_IMAGES))
    return images[:MAX_IMAGES]


def _files(folder):
    found, waiting = [], [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            for name in os.listdir(place):
                path = os.path.join(place, name)
                if name in _NEVER_IMAGES and place == folder:
                    continue
                status = os.lstat(path)
                if stat.S_ISDIR(status.st_mode) and depth < MAX_DEPTH:
                    waiting.append((path, depth + 1))
                elif stat.S_ISREG(status.st_mode) and name.lower().endswith(".png"):
                    found.append((status.st_ino, status.st_mtime, path))
        except OSError as error:
            note("the folder {0} cannot be searched for images: {1}".format(_label(place, folder), to_text(error)))
    if len(found) > 1:
        found.sort(key=(lambda item: item[0]) if _grows_inodes(folder) else (lambda item: (item[1], item[0])))
    return [(_label(path, folder), path) for _, _, path in found[: 2 * MAX_IMAGES]]


def _label(path, folder):
    name = os.path.relpath(path, folder)
    return (name if PY2 else os.fsencode(name)).decode("utf-8", "replace")[-MAX_NAME_CHARACTERS:]


def _grows_inodes(folder):
    status = (ctypes.c_long * 32)()
    path = folder if isinstance(folder, bytes) else folder.encode("utf-8")
    return ctypes.CDLL(None).statfs(path, status) == 0 and status[0] == _TMPFS


def _read(name, path):
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
        with os.fdopen(descriptor, str("rb")) as stream:
            content = stream.read(MAX_IMAGE_BYTES + 1)
    except (OSError, IOError) as error:
        note("the image {0} cannot be read: {1}".format(name, to_text(error)))
        return None
    wrong = "it is larger than 256 MiB" if len(content) > MAX_IMAGE_BYTES else figures_png.fault(content)
    if wrong:
        note("the image {0} is left out: {1}".format(name, wrong))
        return None
    return content


def concatenate(images):
    """Return one PNG with all images below one another on white, or None when it cannot be drawn here."""
    if len(images) < 2:
        return None
    sizes = [figures_png.size(content) for _, content in images]
    if max(w for w, _ in sizes) * sum(h for _, h in sizes) > MAX_CONCATENATED_PIXELS:
        note("the images together are too large for one picture")
        return None
    for draw in (_with_pillow, _with_matplotlib):
        try:
            return draw(images, sizes)
        except ImportError:
            continue
        except Exception as error:
            note("the images cannot be put into one picture: {0}: {1}".format(type(error).__name__, to_text(error)))
            return None
    return None


def _with_pillow(images, sizes):
    from PIL import Image

    canvas = Image.new("RGB", (max(w for w, _ in sizes), sum(h for _, h in sizes)), "white")
    top = 0
    for (_, content), (_, height) in zip(images, sizes):
        picture = Image.open(io.BytesIO(content)).convert("RGBA")
        canvas.paste(picture, (0, top), picture)
        top += height
    target = io.BytesIO()
    canvas.save(target, "PNG", compress_level=1)
    return target.getvalue()


def _with_matplotlib(images, sizes):
    import numpy as np
    from matplotlib import image

    canvas = np.ones((sum(h for _, h in sizes), max(w for w, _ in sizes), 3))
    top = 0
    for (_, content), (width, height) in zip(images, sizes):
        pixels = image.imread(io.BytesIO(content), format=str("png"))
        if pixels.ndim == 2:
            pixels = np.dstack([pixels] * 3)
        alpha = pixels[:, :, 3:4] if pixels.shape[2] == 4 else 1.0
        canvas[top : top + height, :width] = pixels[:, :, :3] * alpha + (1.0 - alpha)
        top += height
    target = io.BytesIO()
    image.imsave(target, canvas, format=str("png"))
    return target.getvalue()
