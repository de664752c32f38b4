from maru_hub.configuration import configure, read_settings

configure(get_config(), read_settings())  # noqa: F821  JupyterHub defines get_config
