"""The web process: shows the book and takes entries. Python's standard library only."""

import html
import os
import signal
import socketserver
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler

from book import open_book

LONGEST_ENTRY = 10_000

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1.1rem/1.5 Georgia,serif;max-width:36rem;margin:3rem auto;padding:0 1rem}}
input,textarea{{font:inherit;width:100%;box-sizing:border-box;margin:.2rem 0 .6rem}}
small{{color:#667}}</style>
<h1>{title}</h1>
<form method="post"><label>Name<input name="name" required></label>
<label>Text<textarea name="text" required></textarea></label><button>Sign</button></form>
{entries}<p><small>release {release}, served by {process}</small></p></html>"""

ENTRY = "<p><b>{name}</b><br>{text}<br><small>{words}</small></p>"


class Guestbook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A connection that nobody uses must not hold up the end of the process.
    timeout = 3

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, "ok\n", "text/plain")
        if self.path != "/":
            return self.answer(404, "There is no such page.\n", "text/plain")
        book = open_book()
        rows = book.execute("SELECT name, text, words FROM entry ORDER BY id DESC LIMIT 50")
        entries = "".join(
            ENTRY.format(
                name=html.escape(name),
                text=html.escape(text),
                words="not counted yet" if words is None else f"{words} words",
            )
            for name, text, words in rows
        )
        book.close()
        page = PAGE.format(
            title=html.escape(os.environ["GUESTBOOK_TITLE"]),
            entries=entries,
            release=os.environ.get("PINCH_RELEASE", "?"),
            process=os.environ.get("PINCH_PROCESS", "?"),
        )
        self.answer(200, page, "text/html; charset=utf-8")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LONGEST_ENTRY:
            self.close_connection = True
            return self.answer(413, "That is too long for a guestbook.\n", "text/plain")
        form = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        name, text = form.get("name", [""])[0].strip(), form.get("text", [""])[0].strip()
        if not name or not text:
            return self.answer(400, "A name and a text are needed.\n", "text/plain")
        book = open_book()
        book.execute("INSERT INTO entry (name, text) VALUES (?, ?)", (name, text))
        book.close()
        print(f"{name} signed the book", flush=True)
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status, text, kind):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """The router writes the access log."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    # Requests under way are finished before the process ends.
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128


def main():
    port = int(os.environ["PORT"])
    open_book().close()
    with Server(("127.0.0.1", port), Guestbook) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"listening on port {port}", flush=True)
        server.serve_forever(poll_interval=0.1)
    print("finished", flush=True)


if __name__ == "__main__":
    sys.exit(main())
