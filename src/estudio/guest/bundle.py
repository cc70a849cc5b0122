r"""Unpacks the script bundle and puts it ahead of everything on the import path.

The zip is an attacker's: its names, sizes and kinds of entries are checked here, before anything is written, and
what is really unpacked is counted against what was declared. The import path's entry is the old system's literal
`.\\Script Bundle`, which a hook turns into the real folder.
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import re
import stat
import sys
import zipfile

from .notes import PY2, note, shown, to_text

FOLDER = "Script Bundle"
ENTRY = str(".\\" + FOLDER)
MAX_ENTRIES = 20000
"""A large package such as scikit-learn has 2 000 files."""
MAX_DEPTH = 32
"""Folders within folders."""
MAX_NAME_BYTES = 1024
MAX_PART_BYTES = 255
"""What Linux allows for one name."""
MAX_UNPACKED_BYTES = 2 * 1024**3
"""All files together; the working directory's own quota may be smaller."""
_CHUNK = 1 << 20
_UTF8_FLAG, _ENCRYPTED = 0x800, 0x1
_DRIVE = re.compile("[A-Za-z]:")


class BadBundle(Exception):
    """The zip cannot be unpacked; `message` says which entry and why."""

    def __init__(self, message):
        Exception.__init__(self, message)
        self.message = message


def unpack(fd, folder):
    """Unpack the zip at a descriptor into an existing, empty folder.

    Returns:
        The names at the zip's top level.

    Raises:
        BadBundle: not a zip, broken, encrypted, escaping, linking, too large or too deep.
    """
    try:
        with os.fdopen(os.dup(fd), str("rb")) as stream:
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive:
                plan = _plan(archive)
                for info, parts in plan:
                    _write(archive, info, parts, folder)
    except BadBundle:
        raise
    except zipfile.BadZipfile as error:
        raise BadBundle("The script bundle is no zip that can be read: {0}.".format(to_text(error).rstrip(".")))
    except MemoryError:
        raise
    except Exception as error:
        raise BadBundle("The script bundle cannot be unpacked: {0}: {1}.".format(type(error).__name__, to_text(error)))
    return sorted(set(parts[0] for _, parts in plan))


def _plan(archive):
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise BadBundle("The script bundle has {0} entries; at most {1} are unpacked.".format(len(infos), MAX_ENTRIES))
    plan, total = [], 0
    for info in infos:
        parts = _parts(_name(info))
        if not parts:
            continue
        _check_kind(info, parts)
        total += info.file_size
        plan.append((info, parts))
    if total > MAX_UNPACKED_BYTES:
        raise BadBundle("The script bundle unpacks to {0} bytes; at most {1}.".format(total, MAX_UNPACKED_BYTES))
    return plan


def _name(info):
    """Return an entry's name as text; zips made on Linux and macOS often hold UTF-8 without saying so."""
    name = getattr(info, "orig_filename", info.filename)
    if isinstance(name, bytes):
        raw = name
    elif info.flag_bits & _UTF8_FLAG:
        return name
    else:
        try:
            raw = name.encode("cp437")
        except UnicodeEncodeError:
            return name
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _parts(name):
    slashed = name.replace("\\", "/")
    if "\0" in name:
        raise BadBundle("The script bundle's entry {0} has a NUL in its name.".format(shown(name)))
    if slashed.startswith("/") or _DRIVE.match(slashed):
        raise BadBundle("The script bundle's entry {0} has an absolute name.".format(shown(name)))
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadBundle("The script bundle's entry {0} leaves the bundle's folder.".format(shown(name)))
    if len(parts) > MAX_DEPTH:
        raise BadBundle("The script bundle's entry {0} is more than {1} folders deep.".format(shown(name), MAX_DEPTH))
    sizes = [len(part.encode("utf-8", "replace")) for part in parts]
    if sum(sizes) + len(sizes) > MAX_NAME_BYTES or (sizes and max(sizes) > MAX_PART_BYTES):
        raise BadBundle("The script bundle's entry {0} has too long a name.".format(shown(name)))
    return parts


def _check_kind(info, parts):
    name = shown("/".join(parts))
    if info.flag_bits & _ENCRYPTED:
        raise BadBundle("The script bundle's entry {0} is encrypted; save the zip without a password.".format(name))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise BadBundle("The script bundle's entry {0} is a symbolic link; put the file itself in.".format(name))
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadBundle("The script bundle's entry {0} is neither file nor folder.".format(name))


def _native(path):
    """Return a path as bytes: entry names are UTF-8, whatever the locale is."""
    if isinstance(path, bytes):
        return path
    return path.encode("utf-8") if PY2 else os.fsencode(path)


def _write(archive, info, parts, folder):
    path = os.path.join(_native(folder), *[part.encode("utf-8") for part in parts])
    if _name(info).endswith(("/", "\\")):
        _make_folder(path)
        return
    _make_folder(os.path.dirname(path))
    written = 0
    with archive.open(info) as source:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with os.fdopen(descriptor, str("wb")) as target:
            while True:
                chunk = source.read(_CHUNK)
                if not chunk:
                    break
                written += len(chunk)
                if written > info.file_size:
                    break
                target.write(chunk)
    if written != info.file_size:
        raise BadBundle(
            "The script bundle's entry {0} says {1} bytes and holds {2}.".format(
                shown("/".join(parts)), info.file_size, "more" if written > info.file_size else written
            )
        )


def _make_folder(path):
    if not os.path.isdir(path):
        os.makedirs(path)


def install(folder, names):
    """Put the bundle ahead on the import path and say which modules it hides.

    Args:
        folder: the real folder, absolute.
        names: what lies at its top level.
    """
    hidden = _shadowed(_modules_of(names, folder))
    sys.path_hooks.insert(0, _hook(folder))
    sys.path_importer_cache.pop(ENTRY, None)
    sys.path.insert(0, ENTRY)
    for name in hidden:
        if name in _KEPT or name in sys.builtin_module_names:
            note("the script bundle's module {0} is not used: the one of that name is loaded already".format(name))
            continue
        note("the script bundle's module {0} hides the installed module of that name".format(name))
        for loaded in [known for known in sys.modules if known == name or known.startswith(name + ".")]:
            del sys.modules[loaded]


_KEPT = frozenset(["numpy", "pandas", "pyarrow", "os", "io"])
"""Modules whose objects already are in the script's tables and streams: a second copy would not fit them."""


def _modules_of(names, folder):
    found = []
    for name in names:
        module = name.split(".")[0]
        is_module = name.endswith((".py", ".pyc", ".so")) or os.path.exists(
            os.path.join(_native(folder), name.encode("utf-8"), b"__init__.py")
        )
        if is_module and module not in found:
            found.append(module)
    return found


def _shadowed(modules):
    return [name for name in modules if name in sys.builtin_module_names or _installed(name)]


def _installed(name):
    if PY2:
        import imp

        try:
            found = imp.find_module(name.encode("utf-8"), sys.path)
        except ImportError:
            return False
        if found[0] is not None:
            found[0].close()
        return True
    from importlib.machinery import PathFinder

    try:
        spec = PathFinder.find_spec(name, [entry for entry in sys.path if os.path.isabs(entry)])
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def _hook(folder):
    """Return a path hook for the literal entry, for folders below it, and for nothing else."""

    def hook(path):
        text = path.replace("\\", "/") if "\\" in path else ""
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if not parts or parts[0] != FOLDER or ".." in parts:
            raise ImportError(path)
        real = os.path.join(folder, *parts[1:])
        if PY2:
            import pkgutil

            return pkgutil.ImpImporter(real)
        from importlib import machinery

        loaders = [
            (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
            (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
            (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
        ]
        return machinery.FileFinder(real, *loaders)

    return hook
