# One image for web, worker, beat and migrate: the command differs (docker-compose.yml).
# In production, pin the base by digest as well; a tag alone may move.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
COPY requirements/run.lock /run.lock
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /run.lock

FROM ${PYTHON_IMAGE}
# WeasyPrint's libraries, and git for the probes that look at a checkout.
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      git libfontconfig1 libharfbuzz-subset0 libharfbuzz0b libpango-1.0-0 libpangoft2-1.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /app --shell /usr/sbin/nologin readiness
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=readiness.settings
WORKDIR /app
COPY manage.py Procfile ./
COPY readiness readiness
COPY tickets tickets
COPY templates templates
COPY static static
COPY docs/examples docs/examples
# The settings demand a full environment even to collect static files; this one is thrown away.
RUN SECRET_KEY=only-for-collecting-static-files-in-this-build-step \
    ALLOWED_HOSTS=localhost SITE_URL=http://localhost DATABASE_URL=sqlite:////tmp/none BROKER_URL=memory:// \
    python manage.py collectstatic --no-input --verbosity 0 \
 && install -d -o readiness -g readiness -m 700 var/files \
 && chown readiness:readiness var
USER readiness
# Uploads and reports. The static files beside them belong to the image.
VOLUME /app/var/files
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--no-ws", \
     "--workers", "2", "--blocking-threads", "4", "readiness.wsgi:application"]
