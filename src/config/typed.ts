// Merged values as the typed objects that everyone else works with.
import type { SourcePosition } from './complaint.ts'
import type {
  FileListenerSettings,
  InetListenerSettings,
  MailboxSettings,
  NamespaceSettings,
  PassdbSettings,
  ServiceSettings,
  UserdbSettings,
} from './config.ts'
import type { ListEntry } from './evaluate/block.ts'
import { defaultLists, defaultValues } from './evaluate/defaults.ts'
import type { Merged } from './merge.ts'
import type { Row, Rows, ValuesOf } from './setting.ts'
import { passdbRows, userdbRows } from './settings/database.ts'
import { type Settings, settingRows } from './settings/index.ts'
import { mailboxRows, namespaceRows } from './settings/namespace.ts'
import { fileListenerRows, inetListenerRows, serviceRows } from './settings/service.ts'

/** The top-level settings. */
export function settingsOf(merged: Merged): Settings {
  return valuesAt(merged, '', settingRows)
}

/** The entries of a list, set or built in, built-in ones first as Dovecot counts them. */
export function entriesOf(merged: Merged, path: string): readonly ListEntry[] {
  const builtIn = defaultLists.get(path) ?? []
  const set = merged.lists.get(path) ?? []
  return [...builtIn, ...set.filter(({ id }) => !builtIn.some((entry) => entry.id === id))]
}

export function passdbsOf(merged: Merged): readonly PassdbSettings[] {
  return entriesOf(merged, 'passdb').map(({ id, at }) => ({ ...valuesAt(merged, `passdb/${id}/`, passdbRows), at }))
}

export function userdbsOf(merged: Merged): readonly UserdbSettings[] {
  return entriesOf(merged, 'userdb').map(({ id, at }) => ({ ...valuesAt(merged, `userdb/${id}/`, userdbRows), at }))
}

export function servicesOf(merged: Merged): readonly ServiceSettings[] {
  return entriesOf(merged, 'service').map(({ id }) => {
    const path = `service/${id}`
    return {
      name: titleAt(merged, `${path}/name`),
      ...valuesAt(merged, `${path}/`, serviceRows),
      inetListeners: inetListenersOf(merged, `${path}/inet_listener`),
      unixListeners: fileListenersOf(merged, `${path}/unix_listener`),
      fifoListeners: fileListenersOf(merged, `${path}/fifo_listener`),
    }
  })
}

export function namespacesOf(merged: Merged): readonly NamespaceSettings[] {
  return entriesOf(merged, 'namespace').map(({ id }) => {
    const path = `namespace/${id}/`
    const mailboxes = entriesOf(merged, `${path}mailbox`).map(
      (mailbox): MailboxSettings => valuesAt(merged, `${path}mailbox/${mailbox.id}/`, mailboxRows),
    )
    return { ...valuesAt(merged, path, namespaceRows), mailboxes }
  })
}

/** `plugin` or `dict`, by key. */
export function dictionaryOf(merged: Merged, name: 'plugin' | 'dict'): ReadonlyMap<string, string> {
  const prefix = `${name}/`
  const found = [...merged.values].filter(([path]) => path.startsWith(prefix))
  return new Map(found.map(([path, { text }]) => [path.slice(prefix.length), text]))
}

/** The values of a table of rows below a path; what was not set is the built-in value of the entry, or the row's default. */
export function valuesAt<R extends Rows>(merged: Merged, prefix: string, rows: R): ValuesOf<R> {
  const values = Object.entries(rows).map(([key, row]) => [key, valueAt(merged, prefix + key, row)] as const)
  // Each value comes from the row of its own key, which is what ValuesOf says.
  return Object.fromEntries(values) as ValuesOf<R>
}

/** Where a value was set; undefined for a default. */
export function positionAt(merged: Merged, path: string): SourcePosition | undefined {
  return merged.values.get(path)?.at
}

function valueAt(merged: Merged, path: string, row: Row<unknown>): unknown {
  const stored = merged.values.get(path)
  if (stored !== undefined) return stored.value
  const builtIn = defaultValues.get(path)
  if (builtIn === undefined) return row.defaultValue
  const read = row.read(builtIn)
  return read.ok ? read.value : row.defaultValue
}

function inetListenersOf(merged: Merged, path: string): readonly InetListenerSettings[] {
  return entriesOf(merged, path).map(({ id }) => ({
    name: titleAt(merged, `${path}/${id}/name`),
    ...valuesAt(merged, `${path}/${id}/`, inetListenerRows),
    ...blockAt(merged, path, id),
  }))
}

function fileListenersOf(merged: Merged, path: string): readonly FileListenerSettings[] {
  return entriesOf(merged, path).map(({ id }) => ({
    path: titleAt(merged, `${path}/${id}/path`),
    ...valuesAt(merged, `${path}/${id}/`, fileListenerRows),
    ...blockAt(merged, path, id),
  }))
}

function blockAt(merged: Merged, path: string, id: string): { readonly at?: SourcePosition } {
  const at = merged.lists.get(path)?.find((entry) => entry.id === id)?.at
  return at === undefined ? {} : { at }
}

function titleAt(merged: Merged, path: string): string {
  return merged.values.get(path)?.text ?? defaultValues.get(path) ?? ''
}
