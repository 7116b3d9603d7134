# One image for all servers: `gatepass auth-server`, `gatepass service-a`, `gatepass service-b`.
# No BuildKit-only syntax, so the builder of older engines makes the same image.
ARG RUST_IMAGE=rust:1.95-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# The target is named, although it is the host's own, so that crt-static reaches the binary and not build scripts and macros.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS='-C target-feature=+crt-static' \
       cargo build --locked --profile image -p gatepass --target "$target" \
    && mkdir -p /out/empty \
    && cp "target/$target/image/gatepass" /out/gatepass

# From here to the end the container tests build this very text around a binary compiled on the host.
FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gatepass" \
      org.opencontainers.image.description="OAuth 2.0 between servers: authorization server, client and resource server in one static binary" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Root owns the binary: the process that runs it cannot replace it.
COPY --from=build /out/gatepass /gatepass
# A named volume takes the owner of the folder that it covers; without these it would belong to root and C could not write.
COPY --from=build --chown=65534:65534 /out/empty /data
COPY --from=build --chown=65534:65534 /out/empty /ca

# In a container, loopback reaches nobody; what the world may reach is decided by the ports that are published.
# A slow hash takes 19 MiB for a moment. With a fixed threshold the C library always gives that back; with its own, which
# grows, it would keep it for each thread that ever checked a password.
# SQLite's temporary files stay with its database: there is no /tmp, and the root may be read-only.
ENV GATEPASS__AUTH_SERVER__LISTEN=0.0.0.0:9000 \
    GATEPASS__AUTH_SERVER__TLS_LISTEN=0.0.0.0:9443 \
    GATEPASS__AUTH_SERVER__DATA_DIR=/data \
    SQLITE_TMPDIR=/data \
    GLIBC_TUNABLES=glibc.malloc.mmap_threshold=1048576 \
    GATEPASS__SERVICE_A__LISTEN=0.0.0.0:9001 \
    GATEPASS__SERVICE_A__DATA_DIR=/data \
    GATEPASS__SERVICE_B__LISTEN=0.0.0.0:9002 \
    GATEPASS__FLOW_VIEWER__LISTEN=0.0.0.0:9004

# Numbers, because there is no /etc/passwd; Kubernetes' runAsNonRoot can check a number.
USER 65534:65534
ENTRYPOINT ["/gatepass"]
CMD ["auth-server"]
# Speaks for the default command; whoever runs service-a or service-b overrides it, as docker-compose.yml does.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/gatepass", "auth-server", "healthcheck"]
