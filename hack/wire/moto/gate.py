"""In front of moto: records every call, and makes calls fail as a test asks.

    POST /domctl/faults  {"account", "service", "action", "error", "status", "times", "delay_ms", "when"}
    GET  /domctl/calls?account=…    the calls since the start or the last reset
    POST /domctl/reset?account=…    forgets the account's calls and faults; all and moto's state without

Empty account, service or action: any. times: 1 if not given, below 0 for ever.
when "before" (if not given): answers error, and the call has no effect; without an
error it is delayed only. when "after": the call takes effect, then error is answered,
and without an error the connection dies. The error "Disconnect" cuts at either time.
"""

import io
import json
import socket
import struct
import threading
import time
from urllib.parse import parse_qs

import render
from requested import describe

DISCONNECT = "Disconnect"


class Gate:
    def __init__(self, app):
        self.app, self.calls, self.faults, self.inside = app, [], [], []
        self.lock = threading.Lock()
        # moto checks and then acts, in a thread per request. AWS' conditions (a name that
        # is free, If-None-Match, a client token) hold among calls side by side.
        self.one_call = threading.Lock()

    def __call__(self, environ, start_response):
        # A signed request is AWS' own, also to a bucket named domctl.
        if environ["PATH_INFO"].startswith("/domctl/") and "HTTP_AUTHORIZATION" not in environ:
            return self.control(environ, start_response)
        read_body(environ)
        call = describe(environ)
        fault = self.enter(call)
        try:
            if fault:
                time.sleep(fault.get("delay_ms", 0) / 1000)
            return self.run(environ, start_response, call, fault or {})
        finally:
            with self.lock:
                self.inside.remove(call["account"])

    def enter(self, call):
        """Records the call and takes the first fault that is meant for it."""
        with self.lock:
            call["beside"] = self.inside.count(call["account"])
            self.inside.append(call["account"])
            self.calls.append(call)
            for fault in self.faults:
                if all(not fault.get(k) or fault[k] == call[k] for k in ("account", "service", "action")):
                    fault["times"] -= 1
                    if fault["times"] == 0:
                        self.faults.remove(fault)
                    call["fault"] = fault.get("error") or fault.get("when", "before")
                    return fault
        return None

    def run(self, environ, start_response, call, fault):
        error, after = fault.get("error"), fault.get("when") == "after"
        if error and not after:
            return fail(environ, start_response, call, fault)
        if not after:
            return self.ask_moto(environ, noting(start_response, call))
        self.ask_moto(environ, lambda *_: None)
        return fail(environ, start_response, call, fault)

    def ask_moto(self, environ, start_response):
        with self.one_call:
            answer = self.app(environ, start_response)
            try:
                return list(answer)
            finally:
                answer.close()

    def control(self, environ, start_response):
        account = parse_qs(environ.get("QUERY_STRING", "")).get("account", [""])[0]
        verb = (environ["REQUEST_METHOD"], environ["PATH_INFO"])
        answer, status = {}, "200 OK"
        with self.lock:
            if verb == ("GET", "/domctl/calls"):
                answer = [call for call in self.calls if account in ("", call["account"])]
            elif verb == ("POST", "/domctl/faults"):
                self.faults.append({"times": 1, **json.loads(read_body(environ))})
            elif verb == ("POST", "/domctl/reset"):
                self.reset(account)
            else:
                answer, status = {"error": "no such verb"}, "404 Not Found"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def reset(self, account):
        self.calls[:] = [call for call in self.calls if account and call["account"] != account]
        self.faults[:] = [fault for fault in self.faults if account and fault.get("account") != account]
        if not account:
            from moto.moto_api._internal.models import moto_api_backend

            moto_api_backend.reset()


def read_body(environ):
    """The body, left in place for moto. Read here, so that no slow client holds the others up."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(-1 if environ.get("wsgi.input_terminated") else size)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def noting(start_response, call):
    def start(status, headers, *rest):
        call["status"] = int(status.split()[0])
        return start_response(status, headers, *rest)

    return start


def fail(environ, start_response, call, fault):
    if fault.get("error") in (None, "", DISCONNECT):
        disconnect(environ)
    status, headers, body = render.error(call["service"], fault["error"], fault.get("status"))
    noting(start_response, call)(status, headers)
    return [body]


def disconnect(environ):
    connection = environ["werkzeug.socket"]
    # A reset at once, not an orderly end after which the kernel still delivers.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
