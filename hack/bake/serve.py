"""Serves moto with domctl's additions and with instances that are real: serve.py HOST PORT FOLDER ENGINES.

It is the launcher of the wire tests (hack/wire/moto/serve.py) and, beside it: an instance is a
machine of this host (machine.py), StopInstances stops it, CreateImage keeps its disk under the
image's id, an instance of that image starts on a copy, SSM runs commands on it. FOLDER holds the
disks, ENGINES is where install.sh put them.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../wire/moto"))

import serve  # noqa: E402
import real  # noqa: E402


if __name__ == "__main__":
    host, port, folder, engines = sys.argv[1:]
    real.install(folder, engines)
    serve.main(host, port)
