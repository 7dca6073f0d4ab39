import type { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'
import { BareTls } from './bare/bare-tls.ts'
import type { ServerTlsContext, TrustRules } from './tls-context.ts'

/** OpenSSL's words for the verification results Node names by their codes (X509_verify_cert_error_string). */
const VERIFY_TEXTS = new Map([
  ['CERT_CHAIN_TOO_LONG', 'certificate chain too long'],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
  ['CERT_NOT_YET_VALID', 'certificate is not yet valid'],
  ['CERT_REJECTED', 'certificate rejected'],
  ['CERT_REVOKED', 'certificate revoked'],
  ['CERT_SIGNATURE_FAILURE', 'certificate signature failure'],
  ['CERT_UNTRUSTED', 'certificate not trusted'],
  ['CRL_HAS_EXPIRED', 'CRL has expired'],
  ['CRL_NOT_YET_VALID', 'CRL is not yet valid'],
  ['CRL_SIGNATURE_FAILURE', 'CRL signature failure'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
  ['HOSTNAME_MISMATCH', 'hostname mismatch'],
  ['INVALID_CA', 'invalid CA certificate'],
  ['INVALID_PURPOSE', 'unsuitable certificate purpose'],
  ['PATH_LENGTH_EXCEEDED', 'path length constraint exceeded'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
  ['UNABLE_TO_GET_CRL', 'unable to get certificate CRL'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unable to get issuer certificate'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unable to get local issuer certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'],
])

/** Short names that OpenSSL's certificate objects use for the long ones of `ssl_cert_username_field`. */
const SHORT_NAMES = new Map([
  ['commonName', 'CN'],
  ['countryName', 'C'],
  ['localityName', 'L'],
  ['stateOrProvinceName', 'ST'],
  ['organizationName', 'O'],
  ['organizationalUnitName', 'OU'],
  ['surname', 'SN'],
  ['givenName', 'GN'],
  ['userId', 'UID'],
  ['domainComponent', 'DC'],
])

/** What a client's certificate says about it. */
export interface ClientCertificate {
  readonly certificateUser: string | undefined
  readonly certificateVerified: boolean
  /** Why a certificate that was sent is not valid, for the log. */
  readonly certificateProblem?: string
}

const NO_CERTIFICATE: ClientCertificate = { certificateUser: undefined, certificateVerified: false }

/** Looks at the certificate of a client after its handshake. Only a verified one names a user. */
export function clientCertificate(socket: TLSSocket | BareTls, context: ServerTlsContext): ClientCertificate {
  if (!context.asksCertificate) return NO_CERTIFICATE
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return NO_CERTIFICATE
  const code = verifyCode(socket, context.trust)
  if (code !== undefined) {
    return { ...NO_CERTIFICATE, certificateProblem: invalidCertificate(code, certificate, 'ssl_ca setting?') }
  }
  return { certificateUser: subjectField(certificate, context.usernameField), certificateVerified: true }
}

/** Why the certificate of the backend that the operator calls `host` is refused, in Dovecot's words; undefined when it is fine. */
export function backendCertificateProblem(
  socket: TLSSocket | BareTls,
  host: string,
  trust: TrustRules,
): string | undefined {
  const code = backendVerifyCode(socket, host)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `SSL certificate doesn't match expected host name ${host}: did not match to any IP or DNS fields`
  }
  if (code === undefined && !trust.crlMissing) return undefined
  const certificate = socket.getPeerX509Certificate()
  return invalidCertificate(code ?? 'UNABLE_TO_GET_CRL', certificate, 'ssl_client_ca_* settings?')
}

/** Asks what a TLSSocket has asked by itself when its handshake is done. */
function backendVerifyCode(socket: TLSSocket | BareTls, host: string): string | undefined {
  if (!(socket instanceof BareTls)) return socket.authorized ? undefined : String(socket.authorizationError)
  const error = socket.verifyError() ?? identityError(socket, host)
  return error ? String((error as { code?: string }).code ?? error.message) : undefined
}

function identityError(socket: BareTls, host: string): Error | undefined {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return new Error('UNABLE_TO_GET_ISSUER_CERT')
  return checkServerIdentity(host, certificate.toLegacyObject() as PeerCertificate)
}

function invalidCertificate(code: string, certificate: X509Certificate | undefined, check: string): string {
  const subject = certificate === undefined ? '' : oneLine(certificate.subject)
  return `Received invalid SSL certificate: ${VERIFY_TEXTS.get(code) ?? code}: ${subject} (check ${check})`
}

/** `/C=FI/CN=example`, from Node's line per field. */
function oneLine(subject: string | undefined): string {
  if (subject === undefined || subject === '') return ''
  return `/${subject.split('\n').join('/')}`
}

/**
 * The verification result of a server-side handshake. Node tells it through tls.Server only, which has no place for
 * STARTTLS; the handle underneath has the same answer. Where it should be missing, nobody is verified.
 */
function verifyCode(socket: TLSSocket | BareTls, trust: TrustRules): string | undefined {
  if (trust.crlMissing) return 'UNABLE_TO_GET_CRL'
  const handle = socket instanceof BareTls ? socket : (socket as unknown as { readonly ssl?: Partial<BareTls> }).ssl
  if (typeof handle?.verifyError !== 'function') return 'CERT_UNTRUSTED'
  const error = handle.verifyError()
  return error ? (error.code ?? 'CERT_UNTRUSTED') : undefined
}

/** A field that is there once; of several nobody knows which is meant. A NUL would end the name early elsewhere. */
function subjectField(certificate: X509Certificate, field: string): string | undefined {
  const subject = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, unknown>>
  const value = Object.entries(subject).find(([name]) => name === (SHORT_NAMES.get(field) ?? field))?.[1]
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined
}
