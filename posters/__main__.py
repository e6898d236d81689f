"""`python -m posters` is the `kiosk-posters` command."""

import sys

from posters.cli import main

sys.exit(main())
