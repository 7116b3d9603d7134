"""docs/guides/gateways.md"""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from guide import CA_FILE, FOLDER, ISSUER, PORTS, access_token, call, run, started, tampered, url


class Orders(BaseHTTPRequestHandler):
    """The API behind the gateways."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"orders")

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


def check(orders: str):
    token = access_token("billing", "change-me")
    response = call(orders, token)
    assert (response.status_code, response.text) == (200, "orders"), response.text
    assert call(orders, token, "POST").status_code == 200

    for rejected in (tampered(token), access_token("other", "change-me"), "unknown", None):
        response = call(orders, rejected)
        assert response.status_code == 401, (rejected, response.text)
        assert response.headers["www-authenticate"].startswith("Bearer"), response.headers

    reader = access_token("billing", "change-me", scope="orders:read")
    assert call(orders, reader).status_code == 200
    response = call(orders, reader, "POST")
    assert response.status_code == 403, response.text
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope"', response.headers


upstream = ThreadingHTTPServer(("127.0.0.1", int(PORTS["5001"])), Orders)
threading.Thread(target=upstream.serve_forever, daemon=True).start()

# nginx: the rest of its configuration is in /etc/nginx on Debian.
(FOLDER / "nginx").rename(FOLDER / "conf.d")
shutil.copy(CA_FILE, FOLDER / "conf.d/ca.pem")
(FOLDER / "nginx.conf").write_text(f"""
    load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
    pid nginx.pid;
    events {{}}
    http {{
        client_body_temp_path client; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        access_log off;
        include conf.d/*.conf;
    }}
""")
(FOLDER / "start-nginx").write_text("exec nginx -p $PWD -c nginx.conf -e stderr -g 'daemon off;'")
with started("start-nginx", 8080):
    check(url(8080, "/api/"))
    # Introspection rejects a revoked token at once.
    token = access_token("billing", "change-me")
    assert call(url(8080, "/api/"), token).status_code == 200
    run(f"curl -sSf -u billing:change-me -d token={token} {ISSUER}/oauth/revoke")
    assert call(url(8080, "/api/"), token).status_code == 401

run("cd haproxy && python3 fetch_keys.py")
(FOLDER / "start-haproxy").write_text("cd haproxy && exec haproxy -f haproxy.cfg -db")
with started("start-haproxy", 8081):
    check(url(8081, "/api/"))
