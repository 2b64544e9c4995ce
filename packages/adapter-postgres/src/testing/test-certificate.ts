/** Of a server on this machine (localhost, 127.0.0.1), signed by itself. Made for these tests, and good for nothing else. */
export const testCertificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmXqUDsducuTGOXZw
9eAWoVQNYHdmw4gWAFT2zgYkKruhRANCAATlZmFeU1qW2FrAVYmUlZ+vHzollTwH
Sk42ABDwODHgwU6ZlJwAr7b+4mZVggAHzVGm6kWaQe5tb1Rp6t8MOYhr
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUH3c+5zojFDjdlG1DCNdKJ1aczdswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE0MTg0NVoYDzIxMjYxMDI4
MTQxODQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATlZmFeU1qW2FrAVYmUlZ+vHzollTwHSk42ABDwODHgwU6ZlJwAr7b+
4mZVggAHzVGm6kWaQe5tb1Rp6t8MOYhro28wbTAdBgNVHQ4EFgQUUodmgpPhT50f
mnbJM6VuqeolqaUwHwYDVR0jBBgwFoAUUodmgpPhT50fmnbJM6VuqeolqaUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgO+lxtIrcJlnI6tuWCopnboEjIrpdWNcE6ucSvHsg8XkCIQCJ
uZ6p5EswLbiird9YsrMSqxuiLDMXl97SfcgF8BV7XA==
-----END CERTIFICATE-----
`,
}
