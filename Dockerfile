# Build:  docker build -t circulation-gateway .
# Run:    docker run --read-only --cap-drop ALL -p 8081:8081 -e OKAPI_URL=https://okapi.example.org circulation-gateway
# Sample: docker run -p 8081:8081 -e SANDBOX=1 circulation-gateway

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# The environment has no pip, so that the container cannot install packages. All packages are locked by hash.
COPY .ci/requirements.lock .ci/
RUN python -m venv --without-pip /opt/gateway \
 && pip --python /opt/gateway/bin/python install --no-deps --require-hashes -r .ci/requirements.lock
COPY pyproject.toml README.md ./
COPY gateway gateway
RUN pip wheel --no-deps --wheel-dir wheels . \
 && pip --python /opt/gateway/bin/python install --no-deps wheels/*.whl

FROM python:${PYTHON}-slim
COPY --from=build /opt/gateway /opt/gateway
# Nothing is written to disk: the root file system may be read-only, and the modules are compiled.
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8081 \
    REQUIRE_UPSTREAM=1
# A number, so that Kubernetes can verify that it is not root.
USER 65532:65532
EXPOSE 8081
# SIGTERM drains for SHUTDOWN_TIMEOUT seconds; allow 50 s before SIGKILL (a write may take 40 s).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['PORT'] + '/admin/health', timeout=2)"]
ENTRYPOINT ["circulation-gateway"]
