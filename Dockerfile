# One image with one entry point: serve, migrate and smoke are commands of the same program.
#
# The base is pinned by digest. To move to a newer one, look it up and change tag and digest together:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'

# The interpreter without its installer: what is not in the image cannot be misused in it.
FROM python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b AS interpreter
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.11/ensurepip /usr/local/lib/python3.11/site-packages/*

FROM python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /opt/mbs
# The lock comes alone first, so that a change of the program does not install the libraries again.
COPY deploy/requirements.lock deploy/
RUN /opt/mbs/bin/pip install --require-hashes --only-binary=:all: -r deploy/requirements.lock
COPY pyproject.toml setup.cfg README.md wsgi.py ./
COPY deploy/gunicorn.conf.py deploy/
COPY migrations migrations
COPY mbs mbs
# Editable, so that the image is laid out as the checkout is, with the migrations beside the package. The locked
# setuptools does it: build isolation would download another one, without a hash.
RUN /opt/mbs/bin/pip install --no-deps --no-build-isolation --editable . \
    && /opt/mbs/bin/pip uninstall --yes setuptools wheel pip \
    && /opt/mbs/bin/python -m compileall -q --invalidation-mode unchecked-hash mbs migrations wsgi.py

FROM interpreter
ARG GIT_SHA=""
ENV PATH=/opt/mbs/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GIT_SHA=$GIT_SHA \
    HOST=0.0.0.0 \
    PORT=8080
COPY --from=build /opt/mbs /opt/mbs
COPY --from=build /app /app
WORKDIR /app
# Numeric, so that Kubernetes can prove runAsNonRoot without reading the image's /etc/passwd.
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["mbs"]
CMD ["serve"]
