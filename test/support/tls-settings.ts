import type { ClientTlsFiles } from '../../src/net/tls-cache.ts'
import type { ClientTlsSettings, ServerTlsSettings } from '../../src/net/tls-context.ts'
import { Secret } from '../../src/util/secret.ts'
import type { Certificate } from './certificates.ts'

export type AllTlsSettings = ServerTlsSettings & ClientTlsSettings & ClientTlsFiles

/** The TLS settings with Dovecot's defaults, some of them changed. */
export function tlsSettings(changes: Partial<AllTlsSettings> = {}): AllTlsSettings {
  return {
    ssl_cert: '',
    ssl_key: new Secret(''),
    ssl_key_password: new Secret(''),
    ssl_alt_cert: '',
    ssl_alt_key: new Secret(''),
    ssl_ca: '',
    ssl_verify_client_cert: false,
    ssl_require_crl: true,
    ssl_cert_username_field: 'commonName',
    ssl_dh: '',
    ssl_min_protocol: 'TLSv1.2',
    ssl_cipher_list: 'ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH',
    ssl_cipher_suites: '',
    ssl_curve_list: '',
    ssl_prefer_server_ciphers: false,
    ssl_options: [],
    ssl_client_cert: '',
    ssl_client_key: new Secret(''),
    ssl_client_ca_file: '',
    ssl_client_ca_dir: '',
    ...changes,
  }
}

/** The settings that present this certificate to clients. */
export function serving({ cert, key }: Certificate): Partial<AllTlsSettings> {
  return { ssl_cert: cert, ssl_key: new Secret(key) }
}
