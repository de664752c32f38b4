from maru_hub.configuration import configure, read_settings

configure(get_config(), read_settings())  # type: ignore[name-defined]  # noqa: F821
