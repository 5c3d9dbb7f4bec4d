# The service without a compiler, pip or root. Data lives in the volume /data and nowhere else:
#
#   docker build --tag evidence .
#   docker run --rm --volume evidence:/data evidence migrate             the schema, first and after each upgrade
#   docker run --rm --volume evidence:/data evidence load /app/seeds     the records that come with it
#   docker run --detach --volume evidence:/data --publish 127.0.0.1:8000:8000 --read-only --name evidence evidence
#
# PostgreSQL instead: --env EVIDENCE_DATABASE_URL=postgresql+psycopg://USER:PASSWORD@HOST/NAME

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/evidence
WORKDIR /src
# The dependencies first: this layer stays until the lock changes.
COPY requirements.lock ./
RUN /opt/evidence/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY app app
COPY migrations migrations
RUN /opt/evidence/bin/pip install --no-deps --no-build-isolation . \
    && /opt/evidence/bin/pip uninstall --yes setuptools pip

FROM python:${PYTHON}-slim
RUN groupadd --gid 10001 evidence \
    && useradd --uid 10001 --gid evidence --no-create-home --home-dir /data --shell /usr/sbin/nologin evidence \
    && install --directory --owner evidence --group evidence --mode 0750 /data
COPY --from=build /opt/evidence /opt/evidence
COPY seeds /app/seeds
ENV PATH=/opt/evidence/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    EVIDENCE_DATABASE_URL=sqlite:////data/evidence.db \
    EVIDENCE_SEARCH_PATH=/data/search \
    EVIDENCE_SPOOL_PATH=/data/spool \
    EVIDENCE_SEEDS=/app/seeds \
    EVIDENCE_HOST=0.0.0.0 \
    EVIDENCE_PORT=8000 \
    EVIDENCE_LOG_FORMAT=json
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Asks the port that is served, and no proxy. Anything but a 200 within three seconds counts as ill.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os; from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open(f\"http://127.0.0.1:{os.environ['EVIDENCE_PORT']}/readyz\", timeout=3)"]
ENTRYPOINT ["evidence"]
CMD ["serve"]
