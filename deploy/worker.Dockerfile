# A worker with torch. CUDA: docker build -f deploy/worker.Dockerfile -t footholds-worker-cuda .
# CPU: the same with --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu -t footholds-worker-cpu
FROM python:3.11-slim-trixie AS packages
# PyPI's torch brings CUDA along, so the base needs nothing but the driver of the machine; the other index has builds
# without. Both are the version that requirements.txt pins: pip never chooses another.
ARG TORCH_INDEX=https://pypi.org/simple
RUN python -m venv /opt/atlas
COPY requirements.txt /tmp/
COPY deploy/requirements-web.txt /tmp/deploy/
RUN /opt/atlas/bin/pip install --no-cache-dir --no-compile --index-url "$TORCH_INDEX" \
        --extra-index-url https://pypi.org/simple -r /tmp/requirements.txt

FROM python:3.11-slim-trixie
ARG CODE_VERSION=unknown
RUN useradd --uid 10001 --no-create-home --home-dir /data atlas && install -d -o atlas /data
COPY --from=packages /opt/atlas /opt/atlas
COPY manage.py /srv/atlas/
COPY atlas /srv/atlas/atlas
COPY api /srv/atlas/api
COPY workers /srv/atlas/workers
WORKDIR /srv/atlas
ENV PATH=/opt/atlas/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ATLAS_HOME=/data ATLAS_CODE_VERSION=$CODE_VERSION \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
CMD ["python", "manage.py", "run", "worker"]
