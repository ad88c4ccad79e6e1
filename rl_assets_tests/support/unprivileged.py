"""Programs that may read only what their user may, whoever runs the tests."""

import os
import subprocess
import sys

RIGHTS = "-dac_override,-dac_read_search"


def run_unprivileged(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a Python of its own. Root reads everything unless it gives that right away."""
    drop = ["setpriv", "--bounding-set", RIGHTS, "--inh-caps", RIGHTS] if os.geteuid() == 0 else []
    command = [*drop, sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
