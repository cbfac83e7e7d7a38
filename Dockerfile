# Everything needed to build stays behind in the first two stages.
FROM debian:bookworm AS swagger-ui
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates nodejs npm
WORKDIR /src
COPY scripts/fetch_swagger_ui.sh scripts/
COPY src/web/swagger-ui src/web/swagger-ui
RUN scripts/fetch_swagger_ui.sh

FROM debian:bookworm AS build
WORKDIR /src
COPY scripts/packages.txt scripts/packages.txt
RUN apt-get update -qq && grep -v '^#' scripts/packages.txt | xargs apt-get install -y -qq --no-install-recommends
COPY . .
COPY --from=swagger-ui /src/build/swagger-ui build/swagger-ui
RUN cmake --preset release -D FLORIN_TESTS=OFF && cmake --build build/release --target florin && strip build/release/bin/florin

FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends \
      ca-certificates tzdata wget libboost-container1.81.0 libboost-json1.81.0 libnghttp2-14 libprotobuf32 libssl3 libsqlite3-0 libmariadb3 \
      libfmt9 libprometheus-cpp-core1.0 libsodium23 libhiredis0.14 librdkafka1 liblz4-1 libzstd1 libsasl2-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1001 appgroup && useradd --uid 1001 --gid 1001 --create-home appuser \
    && mkdir -p /app/data && chown -R 1001:1001 /app
WORKDIR /app
COPY --from=build /src/build/release/bin/florin ./florin
RUN ln -s florin payment-sim-api && ln -s florin reservation-worker
USER 1001:1001
ENV DATA_DIR=/app/data
VOLUME /app/data
# The service's, then the reservation worker's.
EXPOSE 8030 8031 8080 8040 8041
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD wget --quiet --spider http://localhost:8031/health || wget --quiet --spider http://localhost:8040/health || exit 1
CMD ["./payment-sim-api"]
