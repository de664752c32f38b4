"""Who gets which certificate, and when new ones are made."""

import datetime
from ipaddress import IPv4Network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from node import certificates
from node.addresses import Addresses
from node.certificates import issue_all, wanted

ADDRESSES = Addresses(IPv4Network("10.20.0.0/16"))


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    issue_all(folder, ADDRESSES)
    return folder


def read(folder, name):
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_every_certificate_is_signed_by_its_authority_and_by_no_other(issued):
    for authority, items in wanted(ADDRESSES).items():
        for item in items:
            certificate = read(issued, item.file)
            certificate.verify_directly_issued_by(read(issued, authority))
            other = "etcd-ca" if authority == "ca" else "ca"
            with pytest.raises(ValueError):
                certificate.verify_directly_issued_by(read(issued, other))


def test_only_the_first_rights_are_given_by_a_master(issued):
    masters = [
        i.file for items in wanted(ADDRESSES).values() for i in items if "masters" in i.group
    ]
    assert masters == ["first-admin"]
    group = read(issued, "admin").subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [attribute.value for attribute in group] == ["maru:admins"]


def test_the_api_server_is_known_by_its_addresses_and_names(issued):
    extension = read(issued, "apiserver").extensions
    names = extension.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    addresses = [str(a) for a in names.get_values_for_type(x509.IPAddress)]
    assert {"10.20.255.2", "10.20.128.1"} <= set(addresses)


def test_a_client_can_serve_nothing(issued):
    extension = read(issued, "scheduler").extensions
    purposes = extension.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.SERVER_AUTH not in purposes


def test_keys_are_for_their_owner_only(issued):
    keys = list(issued.glob("*.key"))
    assert len(keys) > 10
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert issued.stat().st_mode & 0o777 == 0o700


def test_certificates_are_kept_until_they_are_old_or_of_another_network(tmp_path, monkeypatch):
    issue_all(tmp_path, ADDRESSES)
    before = (tmp_path / "ca.crt").read_bytes()
    tokens = (tmp_path / "sa.key").read_bytes()
    issue_all(tmp_path, ADDRESSES)
    assert (tmp_path / "ca.crt").read_bytes() == before
    issue_all(tmp_path, Addresses(IPv4Network("10.21.0.0/16")))
    other = (tmp_path / "ca.crt").read_bytes()
    assert other != before
    monkeypatch.setattr(certificates, "RENEW_BEFORE", datetime.timedelta(days=366))
    issue_all(tmp_path, Addresses(IPv4Network("10.21.0.0/16")))
    assert (tmp_path / "ca.crt").read_bytes() != other
    assert (tmp_path / "sa.key").read_bytes() == tokens, "or every token would be void"


def test_a_missing_file_makes_all_of_them_anew(tmp_path):
    issue_all(tmp_path, ADDRESSES)
    (tmp_path / "proxy.crt").unlink()
    issue_all(tmp_path, ADDRESSES)
    read(tmp_path, "proxy").verify_directly_issued_by(read(tmp_path, "ca"))
    assert isinstance(read(tmp_path, "proxy").public_key(), ec.EllipticCurvePublicKey)
