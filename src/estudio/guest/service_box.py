"""The writable folders of a service guest, put back between two calls to what the script's top level left.

What calls add is removed. What was there before is read-only for them, and a call that changed it all the same costs
the guest its life: then `restore` says why, and the host starts another one. File times of a memory file system do
not tell of writes through a map; that a file cannot be opened for writing without a change of its mode does.
"""

from __future__ import absolute_import, division, print_function

import fcntl
import os
import stat
import time

MAX_REMOVED = 4096
"""Files and folders that are removed after a call; beyond, a new guest is quicker."""
LOOKED_AT = 1024
"""Descriptors: all that a guest may open."""
_WRITABLE = 0o222


def _plain(function):
    """Without the wrapper that reads old Windows paths, and whatever a script puts in its place later."""
    return getattr(function, "estudio_original", function)


_chmod, _listdir, _lstat, _open = _plain(os.chmod), _plain(os.listdir), _plain(os.lstat), _plain(os.open)
_rmdir, _unlink, _utime = _plain(os.rmdir), _plain(os.unlink), _plain(os.utime)


class _Dirty(Exception):
    """The folders cannot be put back."""


class Box(object):
    """All writable folders of a template."""

    def __init__(self):
        self.root = os.path.dirname(os.getcwd())
        self.folders, self.files, self.offsets, self.shared = [], [], [], None

    def settle(self, kept):
        """Make what is there read-only and remember it, and the descriptors that the script's top level left open.

        Args:
            kept: descriptors that are not the script's.
        """
        for path, entry in _walk(self.root):
            if stat.S_ISREG(entry.st_mode) and entry.st_mode & _WRITABLE:
                _chmod(path, stat.S_IMODE(entry.st_mode) & ~_WRITABLE)
        self._let_the_clock_tick()
        self.folders, self.files = [], []
        for path, entry in _walk(self.root):
            if stat.S_ISDIR(entry.st_mode):
                self.folders.append(_folder(path, entry))
            else:
                self.files.append((path, _signature(entry)))
        self._note_descriptors(kept)

    def _let_the_clock_tick(self):
        """Wait until a change would get a later time than the newest file has: file times are milliseconds apart."""
        newest = max([entry.st_ctime for _, entry in _walk(self.root)])
        path = os.path.join(self.root, "tick")
        while True:
            os.close(_open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            made = _lstat(path).st_ctime
            _unlink(path)
            if made > newest:
                return
            time.sleep(0.001)

    def _note_descriptors(self, kept):
        """Open files have one position for all calls; whatever else carries data cannot be put back at all."""
        for number in range(LOOKED_AT):
            try:
                mode = os.fstat(number).st_mode
            except OSError:
                continue
            if number in kept or stat.S_ISCHR(mode):
                continue
            flags = fcntl.fcntl(number, fcntl.F_GETFL)
            is_file = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
            if is_file and flags & os.O_ACCMODE == os.O_RDONLY:
                self.offsets.append((number, os.lseek(number, 0, os.SEEK_CUR), flags))
            else:
                self.shared = "the descriptor %d is shared between calls" % number

    def restore(self):
        """Put everything back. Returns None, or why that cannot be done."""
        if self.shared is not None:
            return self.shared
        try:
            _restore_folders(self.folders)
            for path, signature in self.files:
                if _signature(_lstat(path)) != signature:
                    return "a file was changed"
            for number, offset, flags in self.offsets:
                os.lseek(number, offset, os.SEEK_SET)
                fcntl.fcntl(number, fcntl.F_SETFL, flags)
        except (OSError, _Dirty) as error:
            return str(error)
        return None


class WorkFolder(object):
    """The working folder of a worker: pictures and files of a call do not stay in it, other folders are its own."""

    def __init__(self):
        self.folders = []
        for path, entry in _walk(os.getcwd()):
            if stat.S_ISDIR(entry.st_mode):
                self.folders.append(_folder(path, entry))

    def restore(self):
        """Remove what was added. A folder that cannot be put back ends the worker."""
        try:
            _restore_folders(self.folders)
        except (OSError, _Dirty):
            os._exit(0)


def _walk(root):
    """Yield (path, status) of a folder and everything below it, folders before what they hold."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        entry = _lstat(path)
        yield path, entry
        if stat.S_ISDIR(entry.st_mode):
            waiting.extend(os.path.join(path, name) for name in _listdir(path))


def _folder(path, entry):
    return path, _identity(entry), (entry.st_atime, entry.st_mtime), frozenset(_listdir(path))


def _identity(entry):
    return entry.st_dev, entry.st_ino, entry.st_mode


def _signature(entry):
    return entry.st_dev, entry.st_ino, entry.st_mode, entry.st_nlink, entry.st_size, entry.st_mtime, entry.st_ctime


def _restore_folders(folders):
    for path, identity, times, names in folders:
        entry = _lstat(path)
        if _identity(entry) != identity:
            raise _Dirty("a folder was replaced")
        found = _listdir(path)  # whatever the folder's time is: a call can set it
        if len(found) != len(names) or not names.issuperset(found):
            if not names.issubset(found):
                raise _Dirty("a file was removed")
            for name in found:
                if name not in names:
                    _remove(os.path.join(path, name))
        if _lstat(path).st_mtime != times[1]:
            _utime(path, times)


def _remove(top):
    """Remove a file, or a folder with all that is in it."""
    removed, waiting = 0, [top]
    while waiting:
        path = waiting.pop()
        removed += 1
        if removed > MAX_REMOVED:
            raise _Dirty("too many files were left")
        if not stat.S_ISDIR(_lstat(path).st_mode):
            _unlink(path)
            continue
        _chmod(path, 0o700)
        names = _listdir(path)
        if names:
            waiting.append(path)
            waiting.extend(os.path.join(path, name) for name in names)
        else:
            _rmdir(path)
