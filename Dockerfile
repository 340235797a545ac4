# The bridge in a container: docker build -t backpack-bridge .
# With the commit in it: docker build --build-arg REVISION=$(git rev-parse HEAD) -t backpack-bridge .
# Further targets, by --target: test compiles and runs the unit tests; exchange is the simulated exchange,
# consumer the Python client of deploy/clients: both for the demo of docker-compose.yml.
# Builds with and without BuildKit. Without, every stage before the target is built too: --target runtime.

FROM debian:bookworm-slim AS toolchain
ENV LANG=C.UTF-8
WORKDIR /src
COPY deploy/packages deploy/packages
RUN deploy/packages build && rm -rf /var/lib/apt/lists/*

FROM toolchain AS build
# A store of ccache's that the build can reach, such as http://HOST:PORT: compiles less, yields the same.
ARG CCACHE_REMOTE_STORAGE=
# ON where the store's objects were compiled so.
ARG WARNINGS_AS_ERRORS=OFF
ARG VERSION=0.1.0
COPY CMakeLists.txt ./
COPY deploy/build deploy/build
COPY proto proto
COPY bridge bridge
# The program's files alone, so that a commit that changes none of them compiles none of them.
RUN deploy/build plain -DBPX_BUILD_TESTS=OFF -DBPX_VERSION="$VERSION" \
                       -DBPX_WARNINGS_AS_ERRORS="$WARNINGS_AS_ERRORS" --target bpx_bridge
ARG REVISION=unknown
RUN deploy/build plain -DBPX_REVISION="$REVISION" --target backpack-bridge && \
    strip -o /backpack-bridge build/plain/bridge/backpack-bridge

FROM debian:bookworm-slim AS libraries
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
            ca-certificates libfmt9 libmimalloc2.0 libprometheus-cpp-core1.0 libsimdjson14 libsodium23 \
            libspdlog1.10 libssl3 libstdc++6 libzmq5 zlib1g && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
           /var/log/*.log /var/log/apt

FROM libraries AS runtime
COPY --from=build /backpack-bridge /usr/local/bin/backpack-bridge
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="backpack-bridge" \
      org.opencontainers.image.description="One authenticated Backpack exchange WebSocket, republished over ZeroMQ" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="debian:bookworm-slim"
# Loopback, the program's own default, would be the container's: nobody could connect. Who may reach these
# ports is for the container's network and for what it publishes to say.
ENV BRIDGE_PUBLISH__PUBLIC__BIND=tcp://*:5555 \
    BRIDGE_HTTP__BIND=0.0.0.0:9464
EXPOSE 5555 5556 9464
USER 10001:10001
ENTRYPOINT ["/usr/local/bin/backpack-bridge"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=2 \
  CMD ["/usr/local/bin/backpack-bridge", "healthcheck"]

FROM build AS build-tests
ARG CCACHE_REMOTE_STORAGE=
COPY deploy/clients deploy/clients
COPY tests tests
RUN deploy/build plain -DBPX_BUILD_TESTS=ON --target simulated-exchange && \
    strip -o /simulated-exchange build/plain/tests/exchange/simulated-exchange

FROM build-tests AS test
ARG CCACHE_REMOTE_STORAGE=
RUN deploy/build plain --target unit-tests && \
    ctest --test-dir build/plain -L '^unit$' -E '^(Bench|Fuzz|Layering|Run)\.' --output-on-failure --no-tests=error -j "$(nproc)"

FROM libraries AS exchange
COPY --from=build-tests /simulated-exchange /backpack-bridge /usr/local/bin/
USER 10003:10003
EXPOSE 8443
ENTRYPOINT ["/usr/local/bin/simulated-exchange"]

FROM debian:bookworm-slim AS consumer
RUN apt-get update && \
    apt-get install -y --no-install-recommends python3-zmq && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache \
           /var/log/*.log /var/log/apt
COPY deploy/clients/python/consumer.py /usr/local/bin/consumer.py
USER 10002:10002
ENTRYPOINT ["/usr/bin/python3", "-u", "/usr/local/bin/consumer.py"]

# What comes without --target.
FROM runtime
