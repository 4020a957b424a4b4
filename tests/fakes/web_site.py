"""A web site on the loopback interface, for those who fetch from the web."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType


class WebSite:
    """
    Answers with what `answers` has for a path: status, headers, body; 404 without.

    `asked` are the paths in order, `hosts` the `Host` headers.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.hosts: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.hosts.append(self.headers["host"])
                status, headers, body = site.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keeps the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://docs.example:{self.port}"

    def page(self, path: str, body: str, content_type: str = "text/html; charset=utf-8") -> None:
        """Puts a page there."""
        self.answers[path] = (200, {"content-type": content_type}, body.encode())

    def sitemap(self, *paths: str, at: str = "/sitemap.xml") -> str:
        """Puts a sitemap of these paths there; returns its URL."""
        urls = "".join(f"<url><loc>{self.url}{path}</loc></url>" for path in paths)
        space = "http://www.sitemaps.org/schemas/sitemap/0.9"
        self.page(at, f'<urlset xmlns="{space}">{urls}</urlset>', "application/xml")
        return self.url + at

    def __enter__(self) -> WebSite:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
