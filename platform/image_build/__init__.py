"""Builds the container images of maru and pushes them to a registry.

Run as ``python platform/image_build``; ``--help`` says how. An image is named by the digest of all
that it is made of, so that what is in the registry already is not built again.
"""
