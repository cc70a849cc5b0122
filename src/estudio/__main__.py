"""`python -m estudio` is the command `estudio`."""

import sys

from estudio.cli.main import main

sys.exit(main())
