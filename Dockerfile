# The image of every node: Rankbeam and its locked dependencies, nothing else. BUILD.md says how it
# is built, pushed and used.
#
# The base is pinned by its tag; a build that must be repeatable pins it by its digest as well:
#   docker build --build-arg BASE_DIGEST=sha256:... .
# Python 3.10 takes the older stack of libraries. The newer one:
#   --build-arg BASE_IMAGE=python:3.13.5-slim-trixie
# The target beam-worker is the image of Beam's workers, for Dataflow and for Flink and Spark in
# containers. On the newer stack it takes as well:
#   --build-arg BEAM_SDK_IMAGE=apache/beam_python3.13_sdk:2.77.0
ARG BASE_IMAGE=python:3.10.18-slim-bookworm
ARG BASE_DIGEST=
ARG BEAM_SDK_IMAGE=apache/beam_python3.10_sdk:2.60.0

FROM ${BASE_IMAGE}${BASE_DIGEST:+@${BASE_DIGEST}} AS base

# Only for the program that starts workers; its Beam and its Python must be the locked ones.
FROM ${BEAM_SDK_IMAGE} AS beam-sdk

FROM base AS build
ARG UV_VERSION=0.13.8
# pyfarmhash, which TFX's libraries need, comes as source.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/* \
 && python -m pip install --no-cache-dir "uv==${UV_VERSION}"
ENV UV_PROJECT_ENVIRONMENT=/opt/rankbeam \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1
WORKDIR /build
# The dependencies first: they change seldom, and the layer is kept while they do not.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project --compile-bytecode
COPY . ./
# --no-editable makes a wheel of the project and installs that.
RUN uv sync --locked --no-dev --no-editable --compile-bytecode

FROM base AS installed
# Kubeflow's launcher, which runs as the same user, copies artifacts to these folders. Clusters that
# give every pod a user of its own keep group 0.
RUN useradd --uid 1000 --gid 0 --create-home rankbeam \
 && mkdir -p /gcs /s3 /minio \
 && chmod g+rwX /gcs /s3 /minio /home/rankbeam \
 && chown 1000:0 /gcs /s3 /minio
COPY --from=build /opt/rankbeam /opt/rankbeam
ENV PATH=/opt/rankbeam/bin:$PATH \
    HOME=/home/rankbeam \
    PYTHONUNBUFFERED=1 \
    TF_USE_LEGACY_KERAS=1

FROM installed AS beam-worker
COPY --from=beam-sdk /opt/apache/beam /opt/apache/beam
# The program looks for Beam with pip, which the environment lacks, and else would start workers in
# an environment of its own, without Rankbeam.
RUN python -m ensurepip
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
# As root, like Beam's own image: runners mount folders for it that are root's.
ENTRYPOINT ["/opt/apache/beam/boot"]

# The last target, and so the one that is built where none is named: the nodes.
FROM installed
USER 1000:0
WORKDIR /home/rankbeam
# Nodes come with a command of their own, which takes this one's place.
ENTRYPOINT ["rankbeam"]
CMD ["--help"]
