# One image for all servers: `gatepass auth-server`, `gatepass service-a`, `gatepass service-b`.
# No BuildKit syntax, so that the legacy builder produces the same image.
# The target is that of the machine: amd64, or arm64 (not run).
ARG RUST_IMAGE=rust:1.95-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# With an explicit target, crt-static applies to the binary but not to build scripts and macros.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS='-C target-feature=+crt-static' \
       cargo build --locked --profile image -p gatepass --target "$target" \
    && mkdir -p /out/empty \
    && cp "target/$target/image/gatepass" /out/gatepass

# The container tests build the rest of this file with a binary compiled on the host.
FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gatepass" \
      org.opencontainers.image.description="OAuth 2.0 and OpenID Connect: authorization server, client and resource server in one static binary" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Owned by root, so that the process cannot replace its own binary.
COPY --from=build /out/gatepass /gatepass
# A new named volume gets the owner of the folder that it is mounted on. Without these folders it would belong to root.
COPY --from=build --chown=65534:65534 /out/empty /data
COPY --from=build --chown=65534:65534 /out/empty /ca

# Listen on all interfaces: published ports decide what is reachable from outside of the container.
# Only `listen` of C stays on loopback: it never serves TLS, and production refuses plain http beyond loopback.
# SQLite's temporary files go beside its database: there is no /tmp, and the root file system may be read-only.
ENV GATEPASS__AUTH_SERVER__TLS_LISTEN=0.0.0.0:9443 \
    GATEPASS__AUTH_SERVER__MANAGE_LISTEN=0.0.0.0:9100 \
    GATEPASS__AUTH_SERVER__DATA_DIR=/data \
    SQLITE_TMPDIR=/data \
    GATEPASS__SERVICE_A__LISTEN=0.0.0.0:9001 \
    GATEPASS__SERVICE_A__MANAGE_LISTEN=0.0.0.0:9101 \
    GATEPASS__SERVICE_A__DATA_DIR=/data \
    GATEPASS__SERVICE_B__LISTEN=0.0.0.0:9002 \
    GATEPASS__SERVICE_B__MANAGE_LISTEN=0.0.0.0:9102 \
    GATEPASS__FLOW_VIEWER__LISTEN=0.0.0.0:9004 \
    GATEPASS__FLOW_VIEWER__MANAGE_LISTEN=0.0.0.0:9104

# Numeric, because there is no /etc/passwd and because Kubernetes' runAsNonRoot can verify only numbers.
USER 65534:65534
ENTRYPOINT ["/gatepass"]
CMD ["auth-server"]
# For the default command. Override it for the other servers, as docker-compose.yml does.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/gatepass", "auth-server", "healthcheck"]
