"""An HTTP proxy that lets through, by CONNECT, who gives its user's name and password."""

import base64
import contextlib
import socket
import socketserver
import threading


def _read_head(client):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(65_536)
        if not piece:
            raise ConnectionError("ended within its request")
        head += piece
    return head.decode()


def _pass_on(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


class ConnectProxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    class Client(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                head = _read_head(self.request)
                if f"Proxy-Authorization: Basic {self.server.login}\r\n" not in head or self.server.is_refusing:
                    self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    return
                host, port = head.split()[1].rsplit(":", 1)
                with socket.create_connection((host, int(port))) as server:
                    self.server.tunnels += 1
                    self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    threading.Thread(target=_pass_on, args=(server, self.request), daemon=True).start()
                    _pass_on(self.request, server)

    def __init__(self, user, password):
        super().__init__(("127.0.0.1", 0), self.Client)
        self.login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.port = self.server_address[1]
        self.is_refusing = False  # whoever comes
        self.tunnels = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *failure):
        self.shutdown()
        super().__exit__(*failure)
