import { boolean, enumeration, ignored, list, secret, string } from '../setting.ts'

/** TLS towards clients and towards backends. */
export const sslSettings = {
  ssl: enumeration(['yes', 'no', 'required'], 'Offer TLS, do not, or demand it before a login.'),
  ssl_cert: string('', 'Certificate chain in PEM, usually `</path`.'),
  ssl_key: secret('Private key in PEM, usually `</path`.'),
  ssl_alt_cert: string('', 'Second certificate chain, for another kind of key.'),
  ssl_alt_key: secret('Private key of `ssl_alt_cert`.'),
  ssl_key_password: secret('Password of `ssl_key`.'),
  ssl_ca: string('', 'Certificates (and revocation lists) that client and backend certificates must chain to.'),
  ssl_verify_client_cert: boolean('no', 'Ask clients for a certificate. Needs `ssl_ca`.'),
  ssl_require_crl: boolean('yes', 'Refuse certificates of an authority without a revocation list.'),
  ssl_cert_username_field: string('commonName', 'Field of a client certificate that holds the user name.'),
  ssl_dh: string('', 'Diffie-Hellman parameters in PEM, usually `</path`.'),
  ssl_min_protocol: string('TLSv1.2', 'Oldest protocol: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, ANY or LATEST.'),
  ssl_cipher_list: string(
    'ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH',
    'Ciphers up to TLS 1.2, in OpenSSL notation.',
  ),
  ssl_cipher_suites: string('', 'Ciphers of TLS 1.3; empty is the default of OpenSSL.'),
  ssl_curve_list: string('', 'Curves; empty is the default of OpenSSL.'),
  ssl_prefer_server_ciphers: boolean('no', 'Choose ciphers in the order of the server.'),
  ssl_options: list('', 'no_compression, compression, no_ticket.'),
  ssl_client_cert: string('', 'Certificate sent to backends.'),
  ssl_client_key: secret('Private key of `ssl_client_cert`.'),
  ssl_client_ca_file: string('', 'File of authorities that backend certificates must chain to.'),
  ssl_client_ca_dir: string('', 'Directory of such authorities.'),
  ssl_client_require_valid_cert: boolean('yes', 'Refuse backends whose certificate is not valid.'),
  verbose_ssl: boolean('no', 'Log TLS errors of clients.'),
  ssl_crypto_device: ignored('Node has no crypto engines', string('', 'Crypto engine of OpenSSL.')),
} as const
