import re

from maru.installation.secret_values import (
    SECRETS,
    CopyOf,
    SecretSpec,
    changes,
    random_hex,
    random_password,
)


def made(there=None):
    """Return all Secrets after one installation on what is there."""
    found = dict(there or {})
    for spec in SECRETS:
        found[spec.path] = {**found.get(spec.path, {}), **changes(spec, found)}
    return found


def test_every_value_is_long_random_and_its_own():
    first, second = made(), made()
    own = [
        first[spec.path][key]
        for spec in SECRETS
        for key, source in spec.values.items()
        if not isinstance(source, CopyOf)
    ]
    assert len(own) == len(set(own))
    assert all(len(value) >= 32 for value in own)
    assert not set(own) & {value for values in second.values() for value in values.values()}


def test_passwords_need_no_quoting_in_a_url_and_hub_keys_are_hex():
    assert re.fullmatch(r"[A-Za-z0-9]{40}", random_password())
    assert re.fullmatch(r"[0-9a-f]{64}", random_hex())
    hub = made()["jupyterhub", "hub"]
    assert re.fullmatch(r"[0-9a-f]{64}", hub["cookie-secret"])
    assert re.fullmatch(r"[0-9a-f]{64}", hub["crypt-key"])


def test_what_is_there_is_never_changed():
    first = made()
    assert made(first) == first
    assert all(changes(spec, first) == {} for spec in SECRETS)


def test_only_what_is_missing_is_made():
    there = made()
    lost = there["maru", "mlflow"].pop("flask-secret-key")
    spec = next(spec for spec in SECRETS if spec.path == ("maru", "mlflow"))
    assert changes(spec, there).keys() == {"flask-secret-key"}
    assert changes(spec, there)["flask-secret-key"] != lost


def test_a_copy_is_its_original_and_follows_it():
    there = made()
    hub = there["jupyterhub", "hub"]
    assert hub["hub-password"] == there["maru", "postgresql"]["hub-password"]
    there["maru", "postgresql"]["hub-password"] = "changed" * 6
    spec = next(spec for spec in SECRETS if spec.path == ("jupyterhub", "hub"))
    assert changes(spec, there) == {"hub-password": "changed" * 6}


def test_an_original_stands_before_its_copies():
    known = set()
    for spec in SECRETS:
        for source in spec.values.values():
            if isinstance(source, CopyOf):
                assert (source.namespace, source.name) in known
        known.add(spec.path)


def test_an_empty_value_counts_as_missing():
    spec = SecretSpec("maru", "a", {"key": random_password})
    assert len(changes(spec, {("maru", "a"): {"key": ""}})["key"]) == 40
