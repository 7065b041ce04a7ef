"""Serves moto with domctl's additions: serve.py HOST PORT."""

import logging
import sys

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

import accounts  # noqa: F401
import commands  # noqa: F401
import dryrun  # noqa: F401
import images  # noqa: F401
import bake  # noqa: F401
import instances  # noqa: F401
import known  # noqa: F401
import leftovers  # noqa: F401
import templates  # noqa: F401
import tokens  # noqa: F401  after images and templates: a repeated call skips their checks
import groups  # noqa: F401
import refresh  # noqa: F401
import activities  # noqa: F401
import grouptags  # noqa: F401
import nodegroups  # noqa: F401
from gate import Gate


def main(host, port):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = Gate(DomainDispatcherApplication(create_backend_app))
    make_server(host, int(port), app, threaded=True, request_handler=MotoRequestHandler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
