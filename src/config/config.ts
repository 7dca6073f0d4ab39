import type { Complaint, SourcePosition } from './complaint.ts'
import type { ConfigFiles } from './files.ts'
import type { ValuesOf } from './setting.ts'
import type { passdbRows, userdbRows } from './settings/database.ts'
import type { Settings } from './settings/index.ts'
import type { mailboxRows, namespaceRows } from './settings/namespace.ts'
import type { fileListenerRows, inetListenerRows, serviceRows } from './settings/service.ts'

export type { Complaint, SourcePosition } from './complaint.ts'
export type { ConfigFiles } from './files.ts'
export type { Settings } from './settings/index.ts'

/** What is known of a connection that decides which `protocol`, `local`, `local_name` and `remote` blocks apply to it. */
export interface Filter {
  readonly protocol?: string
  readonly localName?: string
  readonly localIp?: string
  readonly remoteIp?: string
}

export type PassdbSettings = ValuesOf<typeof passdbRows> & { readonly at: SourcePosition }
export type UserdbSettings = ValuesOf<typeof userdbRows> & { readonly at: SourcePosition }

export type InetListenerSettings = ValuesOf<typeof inetListenerRows> & {
  readonly name: string
  /** Where its block begins; left out for a built-in listener that no block mentions. */
  readonly at?: SourcePosition
}
export type FileListenerSettings = ValuesOf<typeof fileListenerRows> & {
  readonly path: string
  /** As of an `inet_listener`. */
  readonly at?: SourcePosition
}

/** A service with Dovecot's built-in defaults and what the configuration says. Limits of 0 stand for the `default_*` settings. */
export type ServiceSettings = ValuesOf<typeof serviceRows> & {
  readonly name: string
  readonly inetListeners: readonly InetListenerSettings[]
  readonly unixListeners: readonly FileListenerSettings[]
  readonly fifoListeners: readonly FileListenerSettings[]
}

export type MailboxSettings = ValuesOf<typeof mailboxRows>
export type NamespaceSettings = ValuesOf<typeof namespaceRows> & { readonly mailboxes: readonly MailboxSettings[] }

/** A configuration that was read without errors. It never changes; a reload makes a new one. */
export interface Config {
  /** The file it was read from. */
  readonly path: string
  /** The top-level settings of one connection, all matching filters merged. The same object for the same outcome. */
  settings(filter: Filter): Settings
  /** There are `local_name` blocks: the name a client asks for decides its settings. */
  readonly hasLocalNames: boolean
  /** The `plugin {}` dictionary of one connection. */
  plugin(filter: Filter): ReadonlyMap<string, string>
  /** Protocols that some block names, also as `!NAME`, in the order of the file. */
  readonly protocolNames: readonly string[]
  /**
   * Password databases in the order they are asked: those of the protocol's own block, then the global ones. `''` is any
   * protocol that no block names; without a protocol there are the global ones only.
   */
  passdbs(protocol?: string): readonly PassdbSettings[]
  /** User databases in the order they are asked, in the same way. */
  userdbs(protocol?: string): readonly UserdbSettings[]
  /** Every service by name, also those that `protocols` leaves out. */
  readonly services: ReadonlyMap<string, ServiceSettings>
  /** Namespaces of one connection, in the order of the file. */
  namespaces(filter: Filter): readonly NamespaceSettings[]
  /** The `dict {}` dictionary: names to URIs. */
  readonly dict: ReadonlyMap<string, string>
  /** Where a setting got its value; undefined when it is the default. */
  origin(name: string, filter: Filter): SourcePosition | undefined
}

export interface LoadedConfig {
  /** Undefined when one of the complaints is an error. */
  readonly config: Config | undefined
  readonly complaints: readonly Complaint[]
}

export interface ConfigInput {
  readonly path: string
  readonly files: ConfigFiles
  /** `-o key=value`: stronger than anything in the files. */
  readonly overrides?: readonly string[]
  /** For `$ENV:NAME`. */
  readonly env?: ReadonlyMap<string, string>
  /** What an empty `hostname` setting stands for. */
  readonly hostname?: string
}

export { loadConfig } from './load.ts'
