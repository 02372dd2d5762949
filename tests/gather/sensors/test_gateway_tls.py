"""Stations that speak TLS are taken like others, and nobody else is on that port."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kept import all_of_it
from running import Device

from shuzhi.app import create_city
from shuzhi.gather.sensors.stations import Station

CITY = """
name: hidden
title_zh: 加密
title_en: Hidden
gateway:
  tls: {certificate: keys/gateway.pem, key: keys/gateway.key}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city with a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "keys").mkdir()
    pem = serialization.Encoding.PEM
    (tmp_path / "keys" / "gateway.pem").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "keys" / "gateway.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "city.yaml").write_text(CITY, encoding="utf-8")
    return tmp_path


def test_a_station_that_speaks_tls_is_acknowledged(folder: Path) -> None:
    city = create_city(folder)
    city.add_station(Station("ST0001", "31"), "123456", by="tester")
    trust = ssl.create_default_context(cafile=str(folder / "keys" / "gateway.pem"))
    with all_of_it(city) as ((_, port),), Device(port) as hidden, Device(port) as plain:
        hidden.socket = trust.wrap_socket(hidden.socket, server_hostname="127.0.0.1")
        for _ in range(3):
            hidden.tell()
            assert hidden.hear_head().cn == "9014"
        plain.tell()
        assert plain.is_closed()
