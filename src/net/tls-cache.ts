import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, errnoText } from './fault-text.ts'
import {
  buildClientContext,
  buildServerContext,
  type ClientTlsContext,
  type ClientTlsSettings,
  type ServerTlsContext,
  type ServerTlsSettings,
  TlsSettingsError,
} from './tls-context.ts'
import type { Secret } from '../util/secret.ts'

export interface ClientTlsFiles {
  readonly ssl_client_ca_file: string
  readonly ssl_client_ca_dir: string
}

/** Length of the session ticket keys: name, HMAC key and AES key of 16 bytes each. */
export const TICKET_KEY_BYTES = 48

/**
 * TLS contexts by what is in their settings: building one parses certificates, so each is built once however many
 * connections, filters and reloads ask for it. Settings objects must not change; a reload brings new ones.
 */
export class TlsContextCache {
  #ticketKeys: Buffer
  readonly #servers = new Map<string, ServerTlsContext>()
  readonly #clients = new Map<string, ClientTlsContext>()
  /** Answers for settings objects seen before, without hashing certificates again. */
  #serverOf = new WeakMap<object, ServerTlsContext>()
  #clientOf = new WeakMap<object, ClientTlsContext>()

  /** `ticketKeys`: 48 random bytes shared by all processes, so that a session made with one is resumed by another. */
  constructor(ticketKeys: Buffer) {
    this.#ticketKeys = ticketKeys
  }

  /** The context for clients. Throws TlsSettingsError. */
  server(settings: ServerTlsSettings): ServerTlsContext {
    const known = this.#serverOf.get(settings)
    if (known !== undefined) return known
    const context = remembered(this.#servers, serverParts(settings), () =>
      buildServerContext(settings, this.#ticketKeys),
    )
    this.#serverOf.set(settings, context)
    return context
  }

  /** The context for backends. Reads `ssl_client_ca_file` and `ssl_client_ca_dir` when it sees a settings object first. Throws TlsSettingsError. */
  client(settings: ClientTlsSettings & ClientTlsFiles): ClientTlsContext {
    const known = this.#clientOf.get(settings)
    if (known !== undefined) return known
    const authorities = readAuthorities(settings)
    const parts = [...clientParts(settings), ...authorities]
    const context = remembered(this.#clients, parts, () => buildClientContext(settings, authorities))
    this.#clientOf.set(settings, context)
    return context
  }

  /** New ticket keys: sessions made from now on use them, tickets made before are no longer understood. */
  rotate(ticketKeys: Buffer): void {
    this.#ticketKeys = ticketKeys
    this.#servers.clear()
    this.#serverOf = new WeakMap()
  }

  /** Forgets contexts of settings that are gone; call after a reload. Connections keep theirs. */
  clear(): void {
    this.#servers.clear()
    this.#clients.clear()
    this.#serverOf = new WeakMap()
    this.#clientOf = new WeakMap()
  }
}

function remembered<T>(contexts: Map<string, T>, parts: readonly unknown[], build: () => T): T {
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('base64')
  const known = contexts.get(key) ?? build()
  contexts.set(key, known)
  return known
}

function serverParts(settings: ServerTlsSettings): unknown[] {
  const { ssl_cert, ssl_key, ssl_key_password, ssl_alt_cert, ssl_alt_key } = settings
  const { ssl_verify_client_cert, ssl_cert_username_field, ssl_prefer_server_ciphers, ssl_dh } = settings
  return [
    ...sharedParts(settings),
    ...[ssl_key, ssl_key_password, ssl_alt_key].map(revealed),
    ssl_cert,
    ssl_alt_cert,
    ssl_dh,
    ssl_cert_username_field,
    ssl_verify_client_cert,
    ssl_prefer_server_ciphers,
  ]
}

function clientParts(settings: ClientTlsSettings): unknown[] {
  return [...sharedParts(settings), settings.ssl_client_cert, revealed(settings.ssl_client_key)]
}

function sharedParts(settings: ServerTlsSettings | ClientTlsSettings): unknown[] {
  const { ssl_min_protocol, ssl_cipher_list, ssl_cipher_suites, ssl_curve_list, ssl_options } = settings
  const { ssl_ca, ssl_require_crl } = settings
  return [ssl_min_protocol, ssl_cipher_list, ssl_cipher_suites, ssl_curve_list, ssl_options, ssl_ca, ssl_require_crl]
}

function revealed(secret: Secret): string {
  return secret.reveal().toString('base64')
}

function readAuthorities({ ssl_client_ca_file: file, ssl_client_ca_dir: dir }: ClientTlsFiles): string[] {
  return [
    ...(file === ''
      ? []
      : [readSetting(`from ${file} (ssl_client_ca_file setting)`, () => readFileSync(file, 'latin1'))]),
    ...(dir === '' ? [] : readSetting(`from directory ${dir} (ssl_client_ca_dir setting)`, () => readDirectory(dir))),
  ]
}

/** Every regular file, whatever its name: OpenSSL wants hashed names there, people put bundles. */
function readDirectory(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true }).filter((entry) => !entry.isDirectory())
  return entries.map((entry) => readFileSync(join(dir, entry.name), 'latin1'))
}

function readSetting<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const text = errnoText(codeOf(error) ?? String(error))
    throw new TlsSettingsError(`Can't load CA certs ${what}: ${text}`, { cause: error })
  }
}
