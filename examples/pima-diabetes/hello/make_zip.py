"""Makes Hello.zip from Hello.py, with the same bytes wherever it runs: stored, a fixed date, fixed permissions."""

import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE_READABLE_BY_ALL = 0o100644


def make_zip(target):
    entry = zipfile.ZipInfo("Hello.py", date_time=EARLIEST_DATE)
    entry.create_system = 3  # Unix, also when made elsewhere
    entry.external_attr = REGULAR_FILE_READABLE_BY_ALL << 16
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, (HERE / "Hello.py").read_bytes())


if __name__ == "__main__":
    make_zip(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "Hello.zip")
