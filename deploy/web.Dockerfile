# Pages, API, migrations and backups: no torch. Build: docker build -f deploy/web.Dockerfile -t footholds-web .
FROM python:3.11-slim-trixie AS packages
RUN python -m venv /opt/atlas
COPY deploy/requirements-web.txt /tmp/
RUN /opt/atlas/bin/pip install --no-cache-dir --no-compile -r /tmp/requirements-web.txt

FROM python:3.11-slim-trixie
ARG CODE_VERSION=unknown
# pg_dump and pg_restore of the PostgreSQL that compose.yaml runs: an older one refuses to dump it. DejaVu: figures as PNG.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /data atlas \
    && install -d -o atlas /data
COPY --from=packages /opt/atlas /opt/atlas
COPY manage.py /srv/atlas/
COPY atlas /srv/atlas/atlas
COPY api /srv/atlas/api
COPY workers/__init__.py /srv/atlas/workers/
WORKDIR /srv/atlas
ENV PATH=/opt/atlas/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ATLAS_HOME=/data ATLAS_STATIC=/srv/atlas/static ATLAS_CODE_VERSION=$CODE_VERSION
RUN ATLAS_HOME=/tmp/build python manage.py collectstatic --noinput --verbosity 0 && rm -rf /tmp/build
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-m", "atlas.probe", "http://127.0.0.1:8000/readyz"]
CMD ["python", "manage.py", "run", "web", "--host", "0.0.0.0", "--port", "8000"]
