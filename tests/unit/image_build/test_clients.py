import subprocess

from image_build.clients import forwarded, shell_lines, write_secrets


def test_what_names_a_registry_or_a_proxy_is_forwarded():
    told = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "npm_config_registry": "https://mirror.example/npm",
        "GOPROXY": "https://mirror.example/go",
        "https_proxy": "http://proxy.example:3128",
        "NO_PROXY": "localhost",
    }
    assert forwarded(told) == told


def test_what_is_about_this_machine_stays_here():
    kept = {
        "HOME": "/root",
        "PIP_CACHE_DIR": "cache",
        "PIP_FIND_LINKS": "/opt/wheels",
        "UV_PYTHON": "3.11",
        "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt",
        "AWS_SECRET_ACCESS_KEY": "s",
        "GOPATH": "x",
    }
    assert forwarded(kept) == {}


def test_a_shell_reads_values_back_whatever_they_hold(tmp_path):
    value = "a b'c\"d$HOME `x` \\ ;"
    (tmp_path / "clients").write_text(shell_lines({"PIP_INDEX_URL": value}))
    command = f'. {tmp_path}/clients; printf %s "$PIP_INDEX_URL"'
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    assert done.stdout == value


def test_secrets_are_for_this_user_only_and_each_is_offered_to_the_build(tmp_path):
    folder = tmp_path / "secrets"
    options = write_secrets(folder)
    files = {file.name: file for file in folder.iterdir()}
    assert options == [f"--secret=id={name},src={files[name]}" for name in map(_name, options)]
    assert set(map(_name, options)) == set(files)
    assert "clients" in files
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_machine_with_its_own_authorities_hands_them_to_every_client(tmp_path, monkeypatch):
    authorities = tmp_path / "own.pem"
    authorities.write_text("-----BEGIN CERTIFICATE-----")
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities))
    write_secrets(tmp_path / "secrets")
    assert (tmp_path / "secrets" / "certificates.pem").read_bytes() == authorities.read_bytes()
    lines = (tmp_path / "secrets" / "clients").read_text()
    for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"):
        assert f"export {name}=/run/secrets/certificates.pem\n" in lines


def _name(option):
    return option.removeprefix("--secret=id=").partition(",")[0]
