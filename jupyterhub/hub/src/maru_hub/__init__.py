"""maru's JupyterHub: typed settings in, traitlets, pods and credentials out.

The image's `jupyterhub_config.py` calls `configuration.configure`; everything else is imported
and tested like any other code.
"""
