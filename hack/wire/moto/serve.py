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
import nodegroups  # noqa: F401
from gate import Gate


class Handler(MotoRequestHandler):
    def connection_dropped(self, error, environ=None):
        """Says in the log that an answer reached nobody: the SDK asks again, and moto sees two calls."""
        print(f"connection dropped: {error!r}", file=sys.stderr)


def main(host, port):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = Gate(DomainDispatcherApplication(create_backend_app))
    make_server(host, int(port), app, threaded=True, request_handler=Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
