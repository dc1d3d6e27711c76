import { expect, test } from 'vitest';
import { readCertificate } from './certificate';

// openssl req -x509 -newkey ec … -addext "subjectAltName=URI:spiffe://…,DNS:cart.shop,IP:10.0.0.1"
const pem = `-----BEGIN CERTIFICATE-----
MIIBzDCCAXGgAwIBAgIUYE36C9/H6aGYmUjVo82hp9DOGVswCgYIKoZIzj0EAwIw
GDEWMBQGA1UECgwNY2x1c3Rlci5sb2NhbDAeFw0yNjExMjExOTIwMDBaFw0yNjEy
MjExOTIwMDBaMBgxFjAUBgNVBAoMDWNsdXN0ZXIubG9jYWwwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAATu8B+RRTaCAFEW67JxsNvzl7SKi4rz383XNCoeCOeMHSRt
aGGVFIx9rDbWkuLWS0a69gFGRmQzGvCSznlQHTLto4GYMIGVMB0GA1UdDgQWBBQa
PPBZvHo8XdTQG2DxPwUXtRGPhTAfBgNVHSMEGDAWgBQaPPBZvHo8XdTQG2DxPwUX
tRGPhTAPBgNVHRMBAf8EBTADAQH/MEIGA1UdEQQ7MDmGJnNwaWZmZTovL2NsdXN0
ZXIubG9jYWwvbnMvc2hvcC9zYS9jYXJ0ggljYXJ0LnNob3CHBAoAAAEwCgYIKoZI
zj0EAwIDSQAwRgIhALoq+/j8RHJ4gUzuhIN3QWevOlal6gxwdWBAvLbIq65FAiEA
yWnz3iZYRFiE4XC/+6fIYl6q8bI+OkIw2msFhTyLu3s=
-----END CERTIFICATE-----
`;

test('validity and names of a certificate', () => {
  expect(readCertificate(pem)).toEqual({
    from: Date.parse('2026-11-21T19:20:00Z'),
    until: Date.parse('2026-12-21T19:20:00Z'),
    names: ['spiffe://cluster.local/ns/shop/sa/cart', 'cart.shop', '10.0.0.1'],
  });
});

test('what is no certificate', () => {
  expect(readCertificate('[redacted]')).toBeUndefined();
  expect(readCertificate('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toBeUndefined();
  expect(readCertificate('-----BEGIN CERTIFICATE-----\n@@\n-----END CERTIFICATE-----')).toBeUndefined();
});
