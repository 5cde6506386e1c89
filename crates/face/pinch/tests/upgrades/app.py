"""An app with everything that makes an upgrade hard: slow answers, uploads, streams, WebSockets."""

import base64
import hashlib
import os
import signal
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 3
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/events":
            return self.events()
        if self.path == "/socket":
            return self.socket()
        if self.path == "/slow":
            time.sleep(1)
        self.answer(os.environ["PINCH_RELEASE"].encode())

    def do_POST(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left:
            part = self.rfile.read(min(left, 65536))
            digest.update(part)
            left -= len(part)
        self.answer(digest.hexdigest().encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(20):
            event = b"data: %d\n\n" % number
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")

    def socket(self):
        """Sends every frame back; all of them are short and masked."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            length = head[1] & 127
            mask, body = self.rfile.read(4), self.rfile.read(length)
            plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
            self.wfile.write(bytes([129, length]) + plain)

    def log_message(self, *words):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256


with Server(("127.0.0.1", int(os.environ["PORT"])), App) as server:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
