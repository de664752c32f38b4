"""The node's certificate authorities and one certificate for each who speaks to another.

etcd has an authority of its own: what the cluster signs opens no door there.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.addresses import Addresses
from node.layout import NODE_NAME

LIFE = datetime.timedelta(days=365)
# Who may renew: a node older than this gets new certificates at its next start.
RENEW_BEFORE = datetime.timedelta(days=30)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Wanted:
    """A certificate to issue."""

    file: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()
    """DNS names and addresses of a server; none for a client."""


def wanted(addresses: Addresses) -> dict[str, list[Wanted]]:
    """Return what each authority signs."""
    service = "kubernetes"
    api_names = (
        str(addresses.node),
        str(addresses.api_service),
        "127.0.0.1",
        "localhost",
        service,
        f"{service}.default",
        f"{service}.default.svc",
        f"{service}.default.svc.cluster.local",
    )
    return {
        "ca": [
            Wanted("apiserver", "kube-apiserver", names=api_names),
            Wanted("apiserver-kubelet", "kube-apiserver-kubelet-client"),
            # Only to hand out the first rights; people and tests are maru:admins.
            Wanted("first-admin", "maru-node", "system:masters"),
            Wanted("admin", "admin", "maru:admins"),
            Wanted("controller-manager", "system:kube-controller-manager"),
            Wanted("scheduler", "system:kube-scheduler"),
            Wanted("proxy", "system:kube-proxy"),
            Wanted("kubelet", f"system:node:{NODE_NAME}", "system:nodes"),
            Wanted("kubelet-server", NODE_NAME, names=(NODE_NAME, str(addresses.node))),
            Wanted("provisioner", "maru:provisioner"),
            Wanted("network-policy", "maru:network-policy"),
        ],
        "etcd-ca": [
            Wanted("etcd", "etcd", names=("127.0.0.1", "localhost")),
            Wanted("apiserver-etcd", "kube-apiserver"),
        ],
        # Vouches for whoever speaks for others to the API server: nobody does.
        "front-proxy-ca": [],
    }


def issue_all(folder: Path, addresses: Addresses) -> None:
    """Make the authorities and certificates where they are missing, old or of other addresses."""
    if _is_current(folder, addresses):
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    for authority_name, certificates in wanted(addresses).items():
        authority = _authority(authority_name)
        _write(folder, authority_name, authority.certificate, authority.key)
        for item in certificates:
            certificate, key = _issue(item, authority)
            _write(folder, item.file, certificate, key)
    # Signs the tokens of service accounts: kept, or the tokens of the cluster would be void.
    if not (folder / "sa.key").exists():
        _write_key(folder / "sa.key", rsa.generate_private_key(65537, 2048))
    (folder / "issued-for").write_text(f"{addresses.network}\n", encoding="utf-8")


def _is_current(folder: Path, addresses: Addresses) -> bool:
    stamp = folder / "issued-for"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != f"{addresses.network}\n":
        return False
    groups = wanted(addresses)
    files = [*groups, *(item.file for group in groups.values() for item in group)]
    if not all((folder / f"{name}.crt").exists() for name in files):
        return False
    authority = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
    left = authority.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left > RENEW_BEFORE


def _authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"maru-node-{name}")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def _issue(
    item: Wanted, authority: Authority
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, item.user)]
    if item.group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, item.group))
    builder = _builder(x509.Name(attributes), authority.certificate.subject, key.public_key())
    # etcd's server is a client of itself: its gateway checks the same certificate.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if item.names:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in item.names]), critical=False
        )
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    ).add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(authority.key, hashes.SHA256()), key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(PEM))
    _write_key(folder / f"{name}.key", key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
