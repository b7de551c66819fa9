# Aegis in a slim image: dependencies from the lock file with their hashes, a user without a shell, a health check.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/aegis
COPY requirements.lock .
RUN /opt/aegis/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY bot bot
RUN pip install --no-cache-dir hatchling==1.33.0 \
 && pip wheel --no-cache-dir --no-deps --no-build-isolation -w /tmp/wheel . \
 && /opt/aegis/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM ${PYTHON}
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin aegis \
 && install -d -o aegis -g aegis /data
COPY --from=build /opt/aegis /opt/aegis
ENV PATH=/opt/aegis/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    AEGIS_DATABASE_URL=sqlite:////data/aegis.db AEGIS_RUNBOOK=/data/runbook.json AEGIS_BUNDLES=/data/bundles \
    AEGIS_HTTP_HOST=127.0.0.1 AEGIS_HTTP_PORT=8080
USER aegis
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["aegis", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["aegis"]
CMD ["run"]
